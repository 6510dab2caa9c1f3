/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of keys: what each may be set to, what becomes of it, and how it is
 * asked for.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"
#include "lib/util/config_private.h"
#include "lib/util/selector.h"

#define MAX_DOMAINS 4096
#define MAX_ZONES   256
#define MAX_ALLOW   1024
#define MAX_PATTERN 256

#define LETTERS "with %n, %u, %i, %v or %% in it"

static bool is_platform(const char *text)
{
	return strcmp(text, "xen") == 0 || (strncmp(text, "script:", 7) == 0 && text[7]);
}

static bool is_path(const char *text)
{
	return text[0] == '/';
}

/* It stands in the arguments of ssh(1). */
static bool is_user(const char *text)
{
	return text[0] != '-' && strlen(text) < 64 && !strpbrk(text, " \t@:/\\'\"");
}

static bool is_table(const char *text)
{
	return nse_pattern_ok(text, NSE_SELECTOR_TABLE);
}

static bool is_chain(const char *text)
{
	return nse_pattern_ok(text, NSE_SELECTOR_CHAIN);
}

static bool is_either(const char *text)
{
	return is_table(text) || is_chain(text);
}

static bool is_zone(const char *text)
{
	unsigned long zone;
	char *end;

	zone = strtoul(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && zone <= UINT16_MAX;
}

static const char *const anchors[] = { "same", "first", "last", NULL };
static const char *const logs[] = { "auto", "journal", "syslog", "none", NULL };

#define TEXT(s, n, d, check, f)                                                          \
	{                                                                                \
		.section = s, .name = n, .kind = NSE_CONFIG_TEXT, .fallback = d,         \
		.ok = check, .form = f                                                   \
	}
#define LIST(s, n, check, f)                                                             \
	{                                                                                \
		.section = s, .name = n, .kind = NSE_CONFIG_LIST, .ok = check, .form = f \
	}
#define NUMBER(s, n, d, lo, hi)                                                          \
	{                                                                                \
		.section = s, .name = n, .kind = NSE_CONFIG_NUMBER, .fallback = d,       \
		.min = lo, .max = hi                                                     \
	}
#define BOOL(s, n, d)                                                                    \
	{                                                                                \
		.section = s, .name = n, .kind = NSE_CONFIG_BOOL, .fallback = d          \
	}
#define CHOICE(s, n, d, words)                                                           \
	{                                                                                \
		.section = s, .name = n, .kind = NSE_CONFIG_CHOICE, .fallback = d,       \
		.choices = words                                                         \
	}
#define TABLES(s) LIST(s, "tables", is_table, "FAMILY:TABLE, " LETTERS)
#define CHAINS(s) LIST(s, "chains", is_chain, "FAMILY:TABLE:CHAIN, " LETTERS)
/* How a host is reached: any, and one of them. */
#define REMOTE(s, command)                                                               \
	NUMBER(s, "port", NULL, 1, 65535), TEXT(s, "user", NULL, is_user, "a name"),     \
		TEXT(s, "identity", NULL, is_path, "an absolute path"),                  \
		TEXT(s, "known-hosts", NULL, is_path, "an absolute path"),               \
		TEXT(s, "rsh", NULL, NULL, NULL),                                        \
		TEXT(s, "remote-command", command, NULL, NULL)

const struct nse_config_key nse_config_keys[] = {
	TEXT("nsemig", "platform", NULL, is_platform, "xen or script:PROGRAM"),
	TEXT("nsemig", "state-dir", NSE_STATE_DIR_DEFAULT, is_path, "an absolute path"),
	REMOTE("remote", "nsemig"),
	NUMBER("migrate", "timeout", "30", 1, 3600),
	CHOICE("migrate", "anchor", "same", anchors),
	LIST("receive", "allow", NULL, NULL),
	LIST("receive", "allow-nft", is_either,
	     "FAMILY:TABLE or FAMILY:TABLE:CHAIN, " LETTERS),
	TABLES("nft"),
	CHAINS("nft"),
	TEXT("snapshot", "directory", NULL, is_path, "an absolute path"),
	NUMBER("snapshot", "keep", NULL, 1, 100000),
	CHOICE("log", "to", "auto", logs),
	TEXT("metrics", "textfile", NULL, is_path, "an absolute path"),
	REMOTE("host", NULL),
	LIST("domain", "addresses", NULL, NULL),
	LIST("domain", "vifs", NULL, NULL),
	LIST("domain", "zones", is_zone, "a zone (0 to 65535)"),
	TABLES("domain"),
	CHAINS("domain"),
	NUMBER("domain", "timeout", NULL, 1, 3600),
	CHOICE("domain", "anchor", NULL, anchors),
	BOOL("domain", "receive", "yes"),
	BOOL("domain", "snapshot", "yes"),
	{ .name = NULL },
};

const struct nse_config_key *nse_config_key(const char *section, const char *name)
{
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++)
		if (strcmp(k->section, section) == 0 && strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

bool nse_config_named(const char *section)
{
	return strcmp(section, "domain") == 0 || strcmp(section, "host") == 0;
}

void *nse_config_grow(void **items, size_t n, size_t size)
{
	void *p = realloc(*items, (n + 1) * size);

	if (!p)
		return NULL;
	*items = p;
	return (char *)p + n * size;
}

static int no_memory(struct nse_error *err)
{
	return nse_error(err, -ENOMEM, "out of memory");
}

static int add_zone(struct nse_domain_config *d, const char *word, struct nse_error *err)
{
	uint16_t *p;

	if (d->nzones == MAX_ZONES)
		return nse_error(err, -E2BIG, "more than %d zones", MAX_ZONES);
	p = nse_config_grow((void **)&d->zones, d->nzones, sizeof(*p));
	if (!p)
		return no_memory(err);
	*p = (uint16_t)strtoul(word, NULL, 10);
	d->nzones++;
	return 0;
}

static int add_vif(struct nse_domain_config *d, const char *word, struct nse_error *err)
{
	struct nse_vif vif = { .devid = (int)d->domain.nvifs };
	int rc = nse_ifname_check(word, err);

	if (rc < 0)
		return rc;
	snprintf(vif.name, sizeof(vif.name), "%s", word);
	rc = nse_domain_add_vif(&d->domain, &vif);
	return rc < 0 ? nse_errno(err, rc, "vif %s", word) : 0;
}

static int add_addr(struct nse_domain_config *d, const char *word, struct nse_error *err)
{
	struct nse_addr addr;
	int rc = nse_addr_parse(word, &addr, err);

	if (rc < 0)
		return rc;
	rc = nse_domain_add_addr(&d->domain, &addr);
	return rc < 0 ? nse_errno(err, rc, "address %s", word) : 0;
}

static int add_allow(struct nse_config *c, const char *word, struct nse_error *err)
{
	struct nse_addr addr, *p;
	int rc = nse_addr_parse(word, &addr, err);

	if (rc < 0)
		return rc;
	if (c->nallow == MAX_ALLOW)
		return nse_error(err, -E2BIG, "more than %d prefixes", MAX_ALLOW);
	p = nse_config_grow((void **)&c->allow, c->nallow, sizeof(*p));
	if (!p)
		return no_memory(err);
	*p = addr;
	c->nallow++;
	return 0;
}

static int add_pattern(struct nse_patterns *to, const char *word, struct nse_error *err)
{
	char ***list = is_table(word) ? &to->tables : &to->chains;
	size_t *n = is_table(word) ? &to->ntables : &to->nchains;
	char **p;

	if (*n == MAX_PATTERN)
		return nse_error(err, -E2BIG, "more than %d patterns", MAX_PATTERN);
	p = nse_config_grow((void **)list, *n, sizeof(*p));
	if (p)
		*p = strdup(word);
	if (!p || !*p)
		return no_memory(err);
	++*n;
	return 0;
}

/* The section of a domain, made when it is new. */
static struct nse_domain_config *section_of(struct nse_config *c, const char *name,
					    struct nse_error *err)
{
	struct nse_domain_config *d =
		(struct nse_domain_config *)nse_config_domain(c, name);

	if (d)
		return d;
	if (c->ndomains == MAX_DOMAINS || strlen(name) >= NSE_DOMAIN_NAME_MAX) {
		nse_error(err, -E2BIG,
			  "domain '%s' is one too many, or its name is too long", name);
		return NULL;
	}
	d = nse_config_grow((void **)&c->domains, c->ndomains, sizeof(*d));
	if (!d) {
		no_memory(err);
		return NULL;
	}
	memset(d, 0, sizeof(*d));
	nse_domain_init(&d->domain);
	snprintf(d->domain.name, sizeof(d->domain.name), "%s", name);
	c->ndomains++;
	return d;
}

static int add_to_domain(struct nse_domain_config *d, const char *name, const char *word,
			 struct nse_error *err)
{
	if (strcmp(name, "addresses") == 0)
		return add_addr(d, word, err);
	if (strcmp(name, "vifs") == 0)
		return add_vif(d, word, err);
	if (strcmp(name, "zones") == 0)
		return add_zone(d, word, err);
	return add_pattern(&d->nft, word, err);
}

static int add_word(struct nse_config *c, struct nse_domain_config *d,
		    const struct nse_config_key *key, const char *word,
		    struct nse_error *err)
{
	if (key->ok && !key->ok(word))
		return nse_error(err, -EINVAL, "'%s' is not %s", word, key->form);
	if (d)
		return add_to_domain(d, key->name, word, err);
	if (strcmp(key->name, "allow") == 0)
		return add_allow(c, word, err);
	return add_pattern(strcmp(key->name, "allow-nft") ? &c->nft : &c->allow_nft, word,
			   err);
}

static int apply_list(struct nse_config *c, struct nse_domain_config *d,
		      const struct nse_config_key *key, const char *text,
		      struct nse_error *err)
{
	NSE_FREE char *copy = strdup(text);
	char *save = NULL;
	int rc = 0;

	if (!copy)
		return no_memory(err);
	for (char *w = strtok_r(copy, ", \t", &save); w && rc == 0;
	     w = strtok_r(NULL, ", \t", &save))
		rc = add_word(c, d, key, w, err);
	return rc;
}

static int apply_text(struct nse_config *c, const struct nse_config_key *key,
		      const char *text, struct nse_error *err)
{
	if (!text[0])
		return nse_error(err, -EINVAL, "%s has no value", key->name);
	if (key->ok && !key->ok(text))
		return nse_error(err, -EINVAL, "'%s' is not %s", text, key->form);
	/* A line of the file is shorter than these. */
	if (strcmp(key->name, "platform") == 0)
		snprintf(c->platform, sizeof(c->platform), "%s", text);
	if (strcmp(key->name, "state-dir") == 0)
		snprintf(c->state_dir, sizeof(c->state_dir), "%s", text);
	return 0;
}

static int check_number(const struct nse_config_key *key, const char *text,
			struct nse_error *err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text) || *end || n < key->min ||
	    n > key->max)
		return nse_error(err, -EINVAL, "'%s' is not a number from %ld to %ld",
				 text, key->min, key->max);
	return 0;
}

static int check_choice(const char *const *choices, const char *text,
			struct nse_error *err)
{
	char list[128] = "";
	size_t len = 0;

	for (size_t i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0)
			return 0;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					i ? ", " : "", choices[i]);
	}
	return nse_error(err, -EINVAL, "'%s' is none of %s", text, list);
}

int nse_config_apply(struct nse_config *c, const struct nse_config_key *key,
		     const char *subject, const char *text, struct nse_error *err)
{
	static const char *const bools[] = { "yes", "no", NULL };
	struct nse_domain_config *d = NULL;

	if (strcmp(key->section, "domain") == 0 && !(d = section_of(c, subject, err)))
		return err && err->code ? err->code : -ENOMEM;
	switch (key->kind) {
	case NSE_CONFIG_LIST:
		return apply_list(c, d, key, text, err);
	case NSE_CONFIG_NUMBER:
		return check_number(key, text, err);
	case NSE_CONFIG_BOOL:
		return check_choice(bools, text, err);
	case NSE_CONFIG_CHOICE:
		return check_choice(key->choices, text, err);
	case NSE_CONFIG_TEXT:
		break;
	}
	return apply_text(c, key, text, err);
}

static void release_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void release_patterns(struct nse_patterns *p)
{
	release_list(p->tables, p->ntables);
	release_list(p->chains, p->nchains);
	memset(p, 0, sizeof(*p));
}

void nse_config_reset(struct nse_config *c)
{
	for (size_t i = 0; i < c->ndomains; i++) {
		nse_domain_release(&c->domains[i].domain);
		free(c->domains[i].zones);
		release_patterns(&c->domains[i].nft);
	}
	free(nse_take(c->domains));
	release_patterns(&c->nft);
	release_patterns(&c->allow_nft);
	free(nse_take(c->allow));
	c->ndomains = c->nallow = 0;
	c->platform[0] = '\0';
	snprintf(c->state_dir, sizeof(c->state_dir), "%s", NSE_STATE_DIR_DEFAULT);
}

bool nse_config_is(const struct nse_config_value *v, const struct nse_config_key *key,
		   const char *subject)
{
	return v->key == key &&
	       (!subject || (v->subject && strcmp(v->subject, subject) == 0));
}

const struct nse_domain_config *nse_config_domain(const struct nse_config *c,
						  const char *name)
{
	for (size_t i = 0; i < c->ndomains; i++)
		if (strcmp(c->domains[i].domain.name, name) == 0)
			return &c->domains[i];
	return NULL;
}

const struct nse_config_value *nse_config_find(const struct nse_config *c,
					       const char *section, const char *subject,
					       const char *name)
{
	const struct nse_config_key *key = nse_config_key(section, name);

	for (size_t i = 0; key && i < c->nvalues; i++)
		if (nse_config_is(&c->values[i], key, subject))
			return &c->values[i];
	return NULL;
}

const char *nse_config_get(const struct nse_config *c, const char *section,
			   const char *name)
{
	const struct nse_config_key *key = nse_config_key(section, name);
	const struct nse_config_value *v = nse_config_find(c, section, NULL, name);

	return v ? v->text : key ? key->fallback : NULL;
}

const char *nse_config_of(const struct nse_config *c, const char *section,
			  const char *subject, const char *all, const char *name)
{
	const struct nse_config_value *v = nse_config_find(c, section, subject, name);

	return v ? v->text : nse_config_get(c, all, name);
}
