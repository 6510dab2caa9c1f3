/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one list of engines, and the loops over it. Installing goes forward
 * (rules before connections, masters before what they expect), taking away
 * goes backward, and there one engine's failure keeps no other from its work.
 */
#include "lib/engine/registry.h"

#include <errno.h>
#include <string.h>

#include "lib/engine/conntrack.h"
#include "lib/engine/expect.h"
#include "lib/engine/nft/nft.h"
#include "lib/util/cleanup.h"

const struct nse_engine *const nse_engines[] = {
	&nse_engine_nft,
	&nse_engine_conntrack,
	&nse_engine_expect,
	NULL,
};

#define COUNT (NSE_ARRAY_SIZE(nse_engines) - 1)

_Static_assert(COUNT < 32, "a set of engines is 32 bits");

const struct nse_engine *nse_engine_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(nse_engines[i]->name, name) == 0)
			return nse_engines[i];
	return NULL;
}

static int unknown_engine(const char *name, size_t n, struct nse_error *err)
{
	char names[256] = "";

	for (size_t i = 0; i < COUNT; i++) {
		if (i)
			strncat(names, ", ", sizeof(names) - strlen(names) - 1);
		strncat(names, nse_engines[i]->name, sizeof(names) - strlen(names) - 1);
	}
	return nse_error(err, -EINVAL, "'%.*s' is not an engine; there are: %s",
			 n > 64 ? 64 : (int)n, name, names);
}

uint32_t nse_engines_ahead(void)
{
	uint32_t set = 0;

	for (size_t i = 0; i < COUNT; i++)
		if (nse_engines[i]->ahead)
			set |= 1u << i;
	return set;
}

int nse_engines_parse(const char *list, uint32_t *set, struct nse_error *err)
{
	uint32_t found = 0;

	for (const char *p = list;; p++) {
		size_t n = strcspn(p, ","), i;

		for (i = 0; i < COUNT; i++)
			if (strlen(nse_engines[i]->name) == n &&
			    memcmp(nse_engines[i]->name, p, n) == 0)
				break;
		if (i == COUNT)
			return unknown_engine(p, n, err);
		found |= 1u << i;
		p += n;
		if (!*p)
			break;
	}
	*set = found;
	return 0;
}

static inline bool chosen(uint32_t set, size_t i)
{
	return set >> i & 1;
}

int nse_engines_collect(uint32_t set, const struct nse_scope *scope,
			const struct nse_sink *sink, struct nse_error *err)
{
	int rc;

	for (size_t i = 0; i < COUNT; i++) {
		if (!chosen(set, i))
			continue;
		rc = nse_engines[i]->collect(scope, sink, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int nse_engines_facts(json_t *facts, struct nse_error *err)
{
	int rc;

	for (size_t i = 0; i < COUNT; i++) {
		rc = nse_engines[i]->facts(facts, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int nse_engines_preflight(uint32_t set, const struct nse_context *ctx,
			  const struct nse_arrival *as, struct nse_problems *problems,
			  struct nse_error *err)
{
	int rc;

	for (size_t i = 0; i < COUNT; i++) {
		if (!chosen(set, i))
			continue;
		rc = nse_engines[i]->preflight(ctx, as, problems, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int nse_engines_losses(const struct nse_context *ctx, struct nse_problems *problems,
		       struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; nse_engines[i] && rc == 0; i++)
		if (nse_engines[i]->losses)
			rc = nse_engines[i]->losses(ctx, problems, err);
	return rc;
}

int nse_engines_install(uint32_t set, struct nse_job *job, struct nse_error *err)
{
	int rc;

	for (size_t i = 0; i < COUNT; i++) {
		if (!chosen(set, i))
			continue;
		if (job->interrupted && *job->interrupted)
			return nse_error(err, -EINTR, "interrupted");
		rc = nse_engines[i]->install(job, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* After the first failure the text of any further one goes into a spare. */
struct first_error {
	struct nse_error *err;
	struct nse_error spare;
	int rc;
};

static struct nse_error *err_of(struct first_error *f)
{
	return f->rc ? &f->spare : f->err;
}

static void remember(struct first_error *f, int rc)
{
	if (!f->rc)
		f->rc = rc;
}

int nse_engines_settle(uint32_t set, struct nse_job *job, struct nse_error *err)
{
	struct first_error f = { .err = err };

	for (size_t i = 0; i < COUNT; i++)
		if (chosen(set, i))
			remember(&f, nse_engines[i]->settle(job, err_of(&f)));
	return f.rc;
}

int nse_engines_refresh(uint32_t set, struct nse_job *job, struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT && rc == 0; i++)
		if (chosen(set, i) && nse_engines[i]->refresh)
			rc = nse_engines[i]->refresh(job, err);
	return rc;
}

int nse_engines_verify(uint32_t set, struct nse_job *job, struct nse_error *err)
{
	struct first_error f = { .err = err };

	for (size_t i = 0; i < COUNT; i++)
		if (chosen(set, i))
			remember(&f, nse_engines[i]->verify(job, err_of(&f)));
	return f.rc;
}

int nse_engines_undo(uint32_t set, struct nse_job *job, struct nse_error *err)
{
	struct first_error f = { .err = err };

	for (size_t i = COUNT; i-- > 0;)
		if (chosen(set, i))
			remember(&f, nse_engines[i]->undo(job, err_of(&f)));
	return f.rc;
}

int nse_engines_remove(uint32_t set, struct nse_job *job, struct nse_error *err)
{
	struct first_error f = { .err = err };

	for (size_t i = COUNT; i-- > 0;)
		if (chosen(set, i))
			remember(&f, nse_engines[i]->remove(job, err_of(&f)));
	return f.rc;
}

/* The engine of a record, if it knows the record's type too. */
static int engine_of(const struct nse_record *rec, const struct nse_engine **engine,
		     struct nse_error *err)
{
	const struct nse_engine *e = nse_engine_find(rec->kind->engine);

	if (!e)
		return nse_error(err, -ENOTSUP,
				 "this version of nsemig has no engine '%s'; restrict "
				 "the engines or use a newer version",
				 rec->kind->engine);
	for (size_t i = 0; e->types[i]; i++) {
		if (strcmp(e->types[i], rec->kind->type) == 0) {
			*engine = e;
			return 0;
		}
	}
	return nse_error(err, -ENOTSUP, "engine '%s' of this version has no type '%s'",
			 e->name, rec->kind->type);
}

int nse_engines_check_record(const struct nse_record *rec, struct nse_error *err)
{
	const struct nse_engine *e;
	int rc = engine_of(rec, &e, err);

	return rc < 0 ? rc : e->check(rec, err);
}

int nse_engines_admit(const struct nse_scope *scope, const struct nse_context *ctx,
		      struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT && rc == 0; i++)
		if (nse_engines[i]->admit)
			rc = nse_engines[i]->admit(scope, ctx, err);
	return rc;
}

struct rewritten {
	struct nse_buf key, body, state;
};

static void rewritten_release(struct rewritten *w)
{
	nse_buf_release(&w->key);
	nse_buf_release(&w->body);
	nse_buf_release(&w->state);
}

static int relocate_record(const struct nse_map *map, const struct nse_record *rec,
			   struct rewritten *w, struct nse_context *to,
			   struct nse_error *err)
{
	size_t before = nse_context_count(to);
	const struct nse_engine *e;
	struct nse_record moved;
	int rc = engine_of(rec, &e, err);

	if (rc < 0 || e->relocate_all)
		return rc;
	rc = e->relocate(map, rec, &w->key, &w->body, &w->state, err);
	if (rc < 0)
		return rc;
	moved = (struct nse_record){ rec->kind,
				     { w->key.data, w->key.len },
				     { w->body.data, w->body.len },
				     { w->state.data, w->state.len } };
	rc = nse_context_put(to, &moved, NULL);
	if (rc < 0)
		return nse_errno(err, rc, "storing a relocated record");
	if (nse_context_count(to) == before)
		return nse_error(err, -EEXIST,
				 "the mapping makes one record of two (%s %s); choose "
				 "other addresses or zones",
				 rec->kind->engine, rec->kind->type);
	return 0;
}

int nse_engines_relocate(const struct nse_map *map, const struct nse_context *from,
			 struct nse_context **to, struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = nse_context_new();
	NSE_CLEANUP(rewritten_release)
	struct rewritten w = {
		NSE_BUF_INIT(NSE_RECORD_MAX),
		NSE_BUF_INIT(NSE_RECORD_MAX),
		NSE_BUF_INIT(NSE_RECORD_MAX),
	};
	struct nse_record rec;
	int rc = 0;

	if (!ctx)
		return nse_errno(err, -ENOMEM, "relocating a context");
	for (uint32_t s = 0; s < nse_context_slots(from); s++) {
		if (!nse_context_at(from, s, &rec))
			continue;
		rc = relocate_record(map, &rec, &w, ctx, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; rc == 0 && i < COUNT; i++)
		if (nse_engines[i]->relocate_all)
			rc = nse_engines[i]->relocate_all(map, from, ctx, err);
	if (rc == 0)
		*to = nse_take(ctx);
	return rc;
}

int nse_engines_diff(const struct nse_context *a, const struct nse_context *b,
		     unsigned int flags, struct nse_diff *d, struct nse_error *err)
{
	int rc = nse_diff(a, b, flags, d);

	if (rc < 0)
		return nse_errno(err, rc, "comparing");
	for (size_t i = 0; rc == 0 && i < COUNT; i++)
		if (nse_engines[i]->rediff)
			rc = nse_engines[i]->rediff(a, b, flags, d, err);
	if (rc < 0)
		nse_diff_release(d);
	return rc;
}

static int set_hex(json_t *object, struct nse_bytes b)
{
	NSE_FREE char *hex = malloc(2 * b.n + 1);

	if (!hex)
		return -ENOMEM;
	for (size_t i = 0; i < b.n; i++) {
		hex[2 * i] = "0123456789abcdef"[b.p[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[b.p[i] & 15];
	}
	hex[2 * b.n] = '\0';
	return json_object_set_new(object, "hex", json_string(hex)) < 0 ? -ENOMEM : 0;
}

static int describe(const struct nse_record *rec, json_t *key, json_t *body,
		    json_t *state)
{
	const struct nse_engine *e;
	struct nse_error unused;

	/* Bytes that the engine would refuse are shown as they are. */
	if (engine_of(rec, &e, &unused) == 0 && e->check(rec, &unused) == 0)
		return e->describe(rec, key, body, state);
	if (set_hex(key, rec->key) < 0 || set_hex(body, rec->body) < 0)
		return -ENOMEM;
	return set_hex(state, rec->state);
}

json_t *nse_record_to_json(const struct nse_record *rec)
{
	json_t *key = json_object(), *body = json_object(), *state = json_object();
	json_t *json = json_object();
	int rc = 0;

	/* Every one of them takes over a reference, on failure too. */
	rc |= json_object_set_new(json, "engine", json_string(rec->kind->engine));
	rc |= json_object_set_new(json, "type", json_string(rec->kind->type));
	rc |= json_object_set_new(json, "key", key);
	rc |= json_object_set_new(json, "body", body);
	rc |= json_object_set_new(json, "state", state);
	if (rc == 0 && describe(rec, key, body, state) == 0)
		return json;
	json_decref(json);
	return NULL;
}
