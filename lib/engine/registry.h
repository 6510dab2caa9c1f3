/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engines that exist, in the order in which they install.
 */
#ifndef NSE_ENGINE_REGISTRY_H
#define NSE_ENGINE_REGISTRY_H

#include "lib/engine/engine.h"

/* NULL-terminated; removal and undo go through it backwards. */
extern const struct nse_engine *const nse_engines[];

/* The engine of that name, or NULL. */
const struct nse_engine *nse_engine_find(const char *name);

/* A set of engines: bit i is nse_engines[i]. */
#define NSE_ENGINES_ALL UINT32_MAX

/* Reads "NAME[,NAME]"; -EINVAL with a text that lists the names. */
int nse_engines_parse(const char *list, uint32_t *set, struct nse_error *err);

/* The set of those that install ahead. */
uint32_t nse_engines_ahead(void);

/* The engines' jobs one after another, over a set of engines. */
int nse_engines_collect(uint32_t set, const struct nse_scope *scope,
			const struct nse_sink *sink, struct nse_error *err);
int nse_engines_facts(json_t *facts, struct nse_error *err);
int nse_engines_preflight(uint32_t set, const struct nse_context *ctx,
			  const struct nse_arrival *as, struct nse_problems *problems,
			  struct nse_error *err);
/* What of a (checked) context no kernel takes back. */
int nse_engines_losses(const struct nse_context *ctx, struct nse_problems *problems,
		       struct nse_error *err);
int nse_engines_install(uint32_t set, struct nse_job *job, struct nse_error *err);
int nse_engines_settle(uint32_t set, struct nse_job *job, struct nse_error *err);
int nse_engines_refresh(uint32_t set, struct nse_job *job, struct nse_error *err);
int nse_engines_verify(uint32_t set, struct nse_job *job, struct nse_error *err);
int nse_engines_undo(uint32_t set, struct nse_job *job, struct nse_error *err);
int nse_engines_remove(uint32_t set, struct nse_job *job, struct nse_error *err);

/*
 * Checks a record that came from a file or a peer: known engine and type, bytes
 * that the engine accepts. -EBADMSG, or -ENOTSUP for an engine or a type that this
 * version does not know, with a text.
 */
int nse_engines_check_record(const struct nse_record *rec, struct nse_error *err);

/*
 * The same for every record of a context; a big one is shared out among the
 * processors. The text names the first bad record.
 */
int nse_engines_check(const struct nse_context *ctx, struct nse_error *err);

/*
 * May the records of a (checked) context be there, for a domain of that scope?
 * Asks the engines that know only from all of their records. -EPERM with a text.
 */
int nse_engines_admit(const struct nse_scope *scope, const struct nse_context *ctx,
		      struct nse_error *err);

/*
 * A copy of a (checked) context with every record rewritten by the map.
 * -EEXIST when two records become one.
 */
int nse_engines_relocate(const struct nse_map *map, const struct nse_context *from,
			 struct nse_context **to, struct nse_error *err);

/*
 * nse_diff(), and then each engine's own view of what has changed. *d is
 * released with nse_diff_release(). 0 or -errno with a text.
 */
int nse_engines_diff(const struct nse_context *a, const struct nse_context *b,
		     unsigned int flags, struct nse_diff *d, struct nse_error *err);

/*
 * {"engine","type","key":{},"body":{},"state":{}} of a record, a new
 * reference; bytes of an unknown engine are shown in hexadecimal. NULL
 * without memory.
 */
json_t *nse_record_to_json(const struct nse_record *rec);

#endif
