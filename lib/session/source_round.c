/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The source's rounds: what is sent to the target, and written into the journal
 * beside it. The first one is the whole context, the others are what has changed.
 */
#include "lib/session/source_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define HAVE_US	   (600 * 1000000LL) /* the target installs a million entries meanwhile */
#define PREPARE_US (120 * 1000000LL)
#define CATCH_UP   10	  /* rounds */
#define FEW_US	   100000 /* a round that takes less is a short one */
#define ROUNDS_MAX 1000	  /* in the report; further ones are added up */

/* HAVE must tell of the same context as ours. */
static int check_have(struct nse_source_session *s, const json_t *have, uint64_t digest,
		      struct nse_error *err)
{
	const char *text = "";
	char want[17];

	snprintf(want, sizeof(want), "%016" PRIx64, digest);
	json_unpack((json_t *)have, "{s:s}", "digest", &text);
	if (strcmp(text, want) != 0)
		return nse_error(
			err, -EBADMSG,
			"the target's copy of the context differs from what was sent: is "
			"it the same nsemig version there?");
	return nse_source_take_problems(s, have, err) ?: nse_source_judge(s, err);
}

/*
 * Where a round goes: to the target, and beside it into the journal, for whoever has
 * to clean up here; behind the release nothing comes that would tell him more.
 */
struct tee {
	struct nse_source_session *s;
	int journal_rc;
};

static int write_both(void *arg, const void *p, size_t n)
{
	struct tee *t = arg;

	if (t->s->journal && !t->s->released_us && t->journal_rc == 0)
		t->journal_rc = nse_journal_append(t->s->journal, p, n);
	return t->journal_rc < 0 ? t->journal_rc
				 : nse_channel_write_context(&t->s->ch, p, n);
}

/* d NULL: the first round. The text names the journal when that failed. */
static int write_round(struct nse_source_session *s, const struct nse_delta *d,
		       struct nse_stream_stats *stats, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_header_release) struct nse_stream_header h;
	struct tee t = { s, 0 };
	int rc;

	nse_stream_header_init(&h);
	nse_stream_header_now(&h);
	rc = nse_scope_copy(&h.scope, s->spec->scope);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	if (s->journal && !s->released_us)
		rc = nse_journal_round(s->journal, err);
	if (rc < 0)
		return rc;
	rc = d ? nse_delta_send(d, s->sent, &h, write_both, &t, stats, err)
	       : nse_snapshot_write(s->sent, &h, write_both, &t, stats, err);
	return t.journal_rc < 0
		       ? nse_errno(err, t.journal_rc, "cannot write the journal %s",
				   nse_journal_path(s->journal))
		       : rc;
}

static void add_up(json_t *obj, const char *name, json_int_t n)
{
	json_t *value = json_object_get(obj, name);

	json_object_set_new(obj, name, json_integer(json_integer_value(value) + n));
}

static void report_round(struct nse_source_session *s,
			 const struct nse_stream_stats *stats, int64_t start)
{
	size_t n = json_array_size(s->rounds);

	if (n < ROUNDS_MAX)
		json_array_append_new(s->rounds, json_object());
	else
		n--;
	add_up(json_array_get(s->rounds, n), "records", (json_int_t)stats->records);
	add_up(json_array_get(s->rounds, n), "bytes", (json_int_t)stats->stored);
	add_up(json_array_get(s->rounds, n), "us", (json_int_t)(nse_now_us() - start));
	s->bytes_sent += stats->stored;
}

static int send_round(struct nse_source_session *s, const struct nse_delta *d,
		      struct nse_error *err)
{
	struct nse_stream_stats stats = { 0 };
	int64_t start = nse_now_us(), limit = start + HAVE_US;
	json_t *have = NULL;
	int rc = write_round(s, d, &stats, err);

	/* A domain that is frozen does not wait for longer than it was said. */
	if (s->suspended_us && !s->released_us)
		limit = s->suspended_us + s->spec->timeout_s * 1000000LL;

	if (rc == 0 && d && (rc = nse_delta_apply(d, s->sent)) < 0)
		nse_errno(err, rc, "applying a delta");
	if (rc == 0)
		rc = nse_source_ask(s, NSE_MSG_ROUND, json_object(), NSE_MSG_HAVE, limit,
				    &have, err);
	if (rc == 0)
		rc = check_have(s, have, nse_context_digest(s->sent, false), err);
	json_decref(have);
	if (rc == 0)
		s->records_there = nse_context_count(s->sent);
	report_round(s, &stats, start);
	return rc;
}

int nse_source_send_first(struct nse_source_session *s, struct nse_error *err)
{
	s->there = s->was_there = !s->spec->dry_run;
	return send_round(s, NULL, err);
}

int nse_source_send_delta(struct nse_source_session *s, const struct nse_delta *d,
			  struct nse_error *err)
{
	return send_round(s, d, err);
}

int nse_source_send_changes(struct nse_source_session *s, bool last,
			    struct nse_error *err)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta d = { 0 };
	int rc = nse_delta_init(&d);

	if (rc < 0)
		return nse_errno(err, rc, "following the context");
	rc = nse_follow_changes(s->follow, s->sent, last, &d, err);
	s->followed = *nse_follow_stats(s->follow);
	s->follows = true;
	if (rc < 0 || (!nse_context_count(d.puts) && !nse_context_count(d.dels)))
		return rc;
	return nse_source_send_delta(s, &d, err);
}

int nse_source_catch_up(struct nse_source_session *s, struct nse_error *err)
{
	int64_t start, took = FEW_US;
	int rc = 0;

	for (int i = 0; i < CATCH_UP && took >= FEW_US && rc == 0; i++) {
		start = nse_now_us();
		rc = nse_source_send_changes(s, false, err);
		took = nse_now_us() - start;
	}
	return rc;
}

int nse_source_prepare(struct nse_source_session *s, struct nse_error *err)
{
	json_t *answer = NULL;
	int rc;

	if (s->prepared)
		return 0;
	rc = nse_source_ask(s, NSE_MSG_PREPARE, json_object(), NSE_MSG_PREPARED,
			    nse_now_us() + PREPARE_US, &answer, err);
	s->prepared = json_is_true(json_object_get(answer, "named"));
	json_decref(answer);
	return rc;
}
