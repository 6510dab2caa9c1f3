/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The source's preflight: what stands against the move here, at the target and
 * between the two, and whether it may go on with that.
 */
#include "lib/session/source_private.h"

#include <errno.h>
#include <string.h>

#include "lib/session/preflight.h"
#include "lib/util/clock.h"

#define REPLY_US (120 * 1000000LL) /* the target may have a big table to look through */

/* What stands against it here, and between the two hosts. */
static int check_hosts(struct nse_source_session *s, struct nse_error *err)
{
	json_t *here = nse_preflight_facts(s->spec->platform, err);
	size_t first = s->problems->n;
	int rc = here ? 0 : err->code;

	if (rc == 0)
		rc = nse_preflight_leave(s->spec->platform, s->spec->engines,
					 s->spec->scope, s->problems, err);
	if (rc == 0) {
		nse_problems_set_where(s->problems, first,
				       json_string_value(json_object_get(here, "host")));
		first = s->problems->n;
		rc = nse_preflight_compare(here, s->welcome, s->problems);
		if (rc < 0)
			nse_errno(err, rc, "the preflight");
	}
	nse_problems_set_where(s->problems, first, s->spec->target);
	json_decref(here);
	return rc;
}

int nse_source_take_problems(struct nse_source_session *s, const json_t *answer,
			     struct nse_error *err)
{
	const json_t *list = json_object_get(answer, "problems");
	size_t first = s->problems->n;
	int rc = list ? nse_problems_from_json(list, s->problems, err) : 0;

	if (rc == 0)
		rc = nse_problems_set_where(s->problems, first, s->spec->target);
	return rc;
}

int nse_source_judge(struct nse_source_session *s, struct nse_error *err)
{
	bool free_to_lose = s->spec->force || s->spec->dry_run;
	enum nse_severity worst = nse_problems_worst(s->problems);
	const struct nse_problem *found = s->problems->items;
	size_t more;

	if (worst < (free_to_lose ? NSE_FAIL : NSE_LOSS))
		return 0;
	more = nse_problems_count(s->problems, worst) - 1;
	while (found->severity != worst)
		found++;
	nse_error(err, -ECONNABORTED, "%s%s%s%s",
		  worst == NSE_LOSS ? "the move would lose something: " : "",
		  found->where, found->where[0] ? ": " : "", found->text);
	if (more)
		nse_error_add(err, " (and %zu more, see `nsemig check`)", more);
	if (found->mend[0])
		nse_advise(err, "%s%s%s%s", found->where, found->where[0] ? ": " : "",
			   found->mend,
			   worst == NSE_LOSS ? "; --force moves it all the same" : "");
	else if (worst == NSE_LOSS)
		nse_advise(err, "--force moves it all the same");
	return -ECONNABORTED;
}

int nse_source_offer(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	const struct nse_source_spec *spec = s->spec;
	json_t *verdict = NULL, *offer;
	uint64_t memory = nse_preflight_memory(spec->platform, spec->scope->domain.name);
	int rc = check_hosts(s, err);

	if (rc < 0)
		return rc;
	offer = json_pack("{s:o, s:s*, s:b, s:b, s:I}", "scope",
			  nse_scope_to_json(spec->scope), "anchor", spec->anchor,
			  "dry_run", spec->dry_run, "force", spec->force, "memory_kib",
			  (json_int_t)memory);
	rc = nse_source_ask(s, NSE_MSG_OFFER, offer, NSE_MSG_VERDICT,
			    nse_now_us() + REPLY_US, &verdict, err);
	if (rc == 0)
		rc = nse_source_take_problems(s, verdict, err);
	json_decref(verdict);
	/* A dry run goes on to hear the rest. */
	return rc < 0 || spec->dry_run ? rc : nse_source_judge(s, err);
}
