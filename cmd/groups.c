/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shared option groups, and what they are turned into.
 */
#include "cmd/groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/output.h"
#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/install.h"
#include "lib/util/cleanup.h"

#define CONNECT_TIMEOUT_US (20 * 1000000LL)
#define KEEPALIVE_S	   5

static int take_addr(void *base, const char *value, struct nse_error *err)
{
	struct cmd_scope *s = base;
	struct nse_addr addr;
	int rc = nse_addr_parse(value, &addr, err);

	if (rc < 0)
		return rc;
	rc = nse_domain_add_addr(&s->given.domain, &addr);
	return rc < 0 ? nse_errno(err, rc, "'%s'", value) : 0;
}

static int take_vif(void *base, const char *value, struct nse_error *err)
{
	struct cmd_scope *s = base;
	struct nse_vif vif = { .devid = (int)s->given.domain.nvifs };
	int rc = nse_ifname_check(value, err);

	if (rc < 0)
		return rc;
	snprintf(vif.name, sizeof(vif.name), "%s", value);
	rc = nse_domain_add_vif(&s->given.domain, &vif);
	return rc < 0 ? nse_errno(err, rc, "'%s'", value) : 0;
}

static int take_zone(void *base, const char *value, struct nse_error *err)
{
	struct cmd_scope *s = base;
	unsigned long zone;
	char *end;

	errno = 0;
	zone = strtoul(value, &end, 10);
	if (errno || *value < '0' || *value > '9' || *end || zone > UINT16_MAX)
		return nse_error(err, -EINVAL, "'%s' is not a zone (0 to 65535)", value);
	return nse_scope_add_zone(&s->given, (uint16_t)zone, err);
}

static int take_table(void *base, const char *value, struct nse_error *err)
{
	return nse_scope_add_table(&((struct cmd_scope *)base)->given, value, err);
}

static int take_chain(void *base, const char *value, struct nse_error *err)
{
	return nse_scope_add_chain(&((struct cmd_scope *)base)->given, value, err);
}

static int take_engines(void *base, const char *value, struct nse_error *err)
{
	return nse_engines_parse(value, &((struct cmd_scope *)base)->engines, err);
}

const struct nse_opt cmd_scope_opts[] = {
	NSE_OPT_CALL('\0', "addr", "ADDR[/LEN]", take_addr,
		     "IPv4 or IPv6 address or prefix (repeatable)"),
	{ .name = "vif",
	  .arg = "IFNAME",
	  .kind = NSE_OPT_K_CALL,
	  .call = take_vif,
	  .complete = "vif",
	  .help = "what is known behind this interface (repeatable)" },
	NSE_OPT_CALL('\0', "zone", "N", take_zone, "conntrack zone (repeatable)"),
	NSE_OPT_CALL('\0', "table", "FAMILY:NAME", take_table,
		     "table of nf_tables (repeatable)"),
	NSE_OPT_CALL('\0', "chain", "FAMILY:TABLE:NAME", take_chain,
		     "chain of nf_tables (repeatable)"),
	{ .name = "all",
	  .kind = NSE_OPT_K_FLAG,
	  .offset = offsetof(struct cmd_scope, given.all),
	  .help = "everything on this host" },
	{ .name = "carry-shared",
	  .kind = NSE_OPT_K_FLAG,
	  .offset = offsetof(struct cmd_scope, given.carry_shared),
	  .help = "carry what others use as well, too (sets, chains, counters)" },
	{ .letter = 'e',
	  .name = "engine",
	  .arg = "NAME[,NAME]",
	  .kind = NSE_OPT_K_CALL,
	  .call = take_engines,
	  .complete = "engine",
	  .help = "only these engines" },
	{ .name = "platform",
	  .arg = "SPEC",
	  .kind = NSE_OPT_K_STRING,
	  .offset = offsetof(struct cmd_scope, platform),
	  .complete = "platform",
	  .help = "xen or script:PROGRAM" },
	NSE_OPT_END
};

void cmd_scope_init(struct cmd_scope *s)
{
	memset(s, 0, sizeof(*s));
	nse_scope_init(&s->given);
	s->engines = NSE_ENGINES_ALL;
}

void cmd_scope_release(struct cmd_scope *s)
{
	nse_scope_release(&s->given);
}

static int load_config(struct nse_config *config, struct nse_error *err)
{
	int rc = nse_config_load(config, err);

	/* What is wrong with the file is not wrong with the command line. */
	if (rc == -EINVAL)
		rc = err->code = -EBADMSG;
	return rc;
}

int cmd_env_open(struct cmd_env *env, const char *platform, struct nse_error *err)
{
	int rc = load_config(&env->config, err);

	if (rc < 0)
		return rc;
	return nse_platform_open(&env->platform, platform,
				 env->config.platform[0] ? env->config.platform : NULL,
				 err);
}

void cmd_env_release(struct cmd_env *env)
{
	nse_platform_close(env->platform);
	env->platform = NULL;
	nse_config_release(&env->config);
}

/* Does the command line ask for anything that a platform has to answer? */
static int open_for(struct cmd_env *env, const struct cmd_scope *s, const char *domain,
		    struct nse_error *err)
{
	if (domain || s->platform)
		return cmd_env_open(env, s->platform, err);
	return load_config(&env->config, err);
}

int cmd_scope_resolve(const struct cmd_scope *s, const char *domain,
		      struct nse_scope *scope, struct nse_error *err)
{
	struct cmd_env env = CMD_ENV_INIT;
	int rc;

	nse_scope_init(scope);
	rc = open_for(&env, s, domain, err);
	if (rc == 0)
		rc = nse_scope_resolve(&env.config, env.platform, domain, &s->given,
				       scope, err);
	cmd_env_release(&env);
	return rc;
}

const char *const cmd_anchor_words[] = { "same", "first", "last", NULL };

unsigned int cmd_anchor_flags(int anchor)
{
	return anchor == CMD_ANCHOR_FIRST  ? NSE_INSTALL_ANCHOR_FIRST
	       : anchor == CMD_ANCHOR_LAST ? NSE_INSTALL_ANCHOR_LAST
					   : 0;
}

int cmd_scope_others(const struct cmd_common *common, struct nse_scope *scope,
		     struct nse_error *err)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	struct nse_error why = { 0 };
	int rc = load_config(&env.config, err);

	if (rc < 0)
		return rc;
	rc = nse_platform_open(&env.platform, NULL,
			       env.config.platform[0] ? env.config.platform : NULL, &why);
	if (rc == 0)
		rc = nse_scope_others(&env.config, env.platform, scope, &why);
	if (rc == -ENOMEM)
		return nse_error(err, rc, "out of memory");
	if (rc < 0)
		cmd_say(common, "what else runs here is not known: %s", why.text);
	return 0;
}

const struct nse_opt cmd_remote_opts[] = {
	NSE_OPT_FILE('\0', "identity", struct cmd_remote, identity,
		     "private key to log in with"),
	NSE_OPT_FILE('\0', "known-hosts", struct cmd_remote, known_hosts,
		     "host keys that are trusted"),
	{ .name = "rsh",
	  .arg = "COMMAND",
	  .kind = NSE_OPT_K_STRING,
	  .offset = offsetof(struct cmd_remote, rsh),
	  .complete = "command",
	  .help = "run this, as ssh(1), instead of the built-in SSH" },
	NSE_OPT_STRING('\0', "remote-command", "COMMAND", struct cmd_remote,
		       remote_command, "nsemig on the other host (default: nsemig)"),
	NSE_OPT_END
};

int cmd_remote_defaults(struct cmd_remote *r, const char *target, struct nse_error *err)
{
	const struct {
		const char **value, *key;
	} all[] = { { &r->identity, "identity" },
		    { &r->known_hosts, "known-hosts" },
		    { &r->rsh, "rsh" },
		    { &r->remote_command, "remote-command" } };
	struct nse_target t;
	int rc = nse_target_parse(target, &t, err) ?: load_config(&r->config, err);

	for (size_t i = 0; i < NSE_ARRAY_SIZE(all) && rc == 0; i++)
		if (!*all[i].value)
			*all[i].value = nse_config_of(&r->config, "host", t.host,
						      "remote", all[i].key);
	return rc;
}

void cmd_remote_release(struct cmd_remote *r)
{
	nse_config_release(&r->config);
}

/* User and port, where the target names none. */
static void complete_target(const struct nse_config *c, struct nse_target *t)
{
	const char *user = nse_config_of(c, "host", t->host, "remote", "user");
	const char *port = nse_config_of(c, "host", t->host, "remote", "port");

	if (user && !t->user[0])
		snprintf(t->user, sizeof(t->user), "%s", user);
	if (port && !t->port)
		t->port = atoi(port);
}

int cmd_remote_spec(const struct cmd_remote *r, const char *target, const char *args,
		    struct nse_link_spec *spec, struct nse_error *err)
{
	int rc;

	memset(spec, 0, sizeof(*spec));
	spec->identity = r->identity;
	spec->known_hosts = r->known_hosts;
	spec->rsh = r->rsh;
	spec->remote_command = r->remote_command ? r->remote_command : "nsemig";
	spec->remote_args = args;
	spec->connect_timeout_us = CONNECT_TIMEOUT_US;
	spec->keepalive_s = KEEPALIVE_S;
	rc = nse_target_parse(target, &spec->target, err);
	if (rc == 0)
		complete_target(&r->config, &spec->target);
	return rc;
}

static int take_map_vif(void *base, const char *value, struct nse_error *err)
{
	return nse_map_add_vif(base, value, err);
}

static int take_map_zone(void *base, const char *value, struct nse_error *err)
{
	return nse_map_add_zone(base, value, err);
}

static int take_map_addr(void *base, const char *value, struct nse_error *err)
{
	return nse_map_add_addr(base, value, err);
}

static int take_map_name(void *base, const char *value, struct nse_error *err)
{
	return nse_map_add_name(base, value, err);
}

const struct nse_opt cmd_map_opts[] = {
	NSE_OPT_CALL('\0', "map-vif", "OLD=NEW", take_map_vif,
		     "this interface has another name here (repeatable)"),
	NSE_OPT_CALL('\0', "map-zone", "OLD=NEW", take_map_zone,
		     "this zone has another number here (repeatable)"),
	NSE_OPT_CALL('\0', "map-addr", "OLD=NEW", take_map_addr,
		     "this address or prefix is another one here (repeatable)"),
	NSE_OPT_CALL('\0', "map-name", "OLD=NEW", take_map_name,
		     "this table, chain, set or object has another name here "
		     "(repeatable)"),
	NSE_OPT_END
};
