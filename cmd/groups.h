/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The option groups that several commands share: what SCOPE is made of, how a
 * remote host is reached, how a context is rewritten.
 */
#ifndef NSE_CMD_GROUPS_H
#define NSE_CMD_GROUPS_H

#include "cmd/options.h"
#include "lib/context/map.h"
#include "lib/context/scope.h"
#include "lib/platform/platform.h"
#include "lib/transport/transport.h"
#include "lib/util/config.h"

/* --addr --vif --zone --table --chain --all --carry-shared, -e/--engine, --platform */
struct cmd_scope {
	struct nse_scope given; /* what the options say */
	uint32_t engines;	/* set of lib/engine/registry.h */
	const char *platform;	/* or NULL */
};
extern const struct nse_opt cmd_scope_opts[];
#define CMD_SCOPE_GROUP(p)                                                               \
	{                                                                                \
		"Scope", cmd_scope_opts, (p)                                             \
	}

void cmd_scope_init(struct cmd_scope *s);
void cmd_scope_release(struct cmd_scope *s);

/* Configuration and platform of this host. */
struct cmd_env {
	struct nse_config config;
	struct nse_platform *platform; /* NULL when there is none */
};
#define CMD_ENV_INIT                                                                     \
	{                                                                                \
		.platform = NULL                                                         \
	}

/*
 * Loads the configuration and opens the platform (platform: the option's
 * value or NULL). 0 or -errno with a text. Released by cmd_env_release().
 */
int cmd_env_open(struct cmd_env *env, const char *platform, struct nse_error *err);
void cmd_env_release(struct cmd_env *env);

/*
 * SCOPE of a command line, all in one: opens configuration and platform,
 * resolves `domain` (NULL: only the options). 0 or -errno with a text;
 * *scope is initialised here and always has to be released.
 */
int cmd_scope_resolve(const struct cmd_scope *s, const char *domain,
		      struct nse_scope *scope, struct nse_error *err);

/* --identity --known-hosts --rsh --remote-command */
struct cmd_remote {
	const char *identity;
	const char *known_hosts;
	const char *rsh;
	const char *remote_command; /* NULL: nsemig */
	struct nse_config config;   /* of cmd_remote_defaults() */
};
extern const struct nse_opt cmd_remote_opts[];
#define CMD_REMOTE_GROUP(p)                                                              \
	{                                                                                \
		"Remote host", cmd_remote_opts, (p)                                      \
	}

/*
 * Fills in from the configuration what no option said: of [host HOST], else
 * of [remote]. To be released by cmd_remote_release().
 */
int cmd_remote_defaults(struct cmd_remote *r, const char *target, struct nse_error *err);
void cmd_remote_release(struct cmd_remote *r);

/*
 * Fills a link's specification for `target` ([USER@]HOST[:PORT]) and what the
 * command there shall do ("receive --session"): deadlines and keepalive too.
 * It borrows the strings.
 */
int cmd_remote_spec(const struct cmd_remote *r, const char *target, const char *args,
		    struct nse_link_spec *spec, struct nse_error *err);

/* Where rules of shared chains go: the words of --anchor, in this order. */
enum cmd_anchor { CMD_ANCHOR_SAME, CMD_ANCHOR_FIRST, CMD_ANCHOR_LAST };
extern const char *const cmd_anchor_words[];
#define CMD_ANCHOR_OPT(type, member)                                                     \
	NSE_OPT_CHOICE('\0', "anchor", "PLACE", type, member, cmd_anchor_words,          \
		       "rules of shared chains go to the same relative place, or first " \
		       "or last in the chain")

/* NSE_INSTALL_ANCHOR_* of an enum cmd_anchor. */
unsigned int cmd_anchor_flags(int anchor);

/*
 * What else runs on this host than the domain of *scope, into scope->others.
 * A host whose platform does not answer has nothing else, and says so.
 */
int cmd_scope_others(const struct cmd_common *common, struct nse_scope *scope,
		     struct nse_error *err);

/* --map-vif --map-zone --map-addr --map-name */
extern const struct nse_opt cmd_map_opts[];
#define CMD_MAP_GROUP(p)                                                                 \
	{                                                                                \
		"Relocation", cmd_map_opts, (p)                                          \
	} /* p: struct nse_map * */

#endif
