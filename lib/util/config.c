/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration file, read by inih. inih cuts long lines in two without
 * a word, so the lines are fed by a reader of our own, which also knows their
 * numbers for the error texts.
 */
#include "lib/util/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"
#include "lib/util/selector.h"

#define MAX_DOMAINS 4096
#define MAX_ZONES   256
#define MAX_ALLOW   1024
#define MAX_PATTERN 256
#define MAX_SECTION 49 /* bytes; inih cuts what is longer */

struct loader {
	struct nse_config *config;
	struct nse_error *err;
	const char *path;
	FILE *file;
	unsigned int line;
	int rc; /* of the first error */
};

static void fail(struct loader *l, int code, const char *text)
{
	struct nse_error inner = { 0 };

	if (l->rc < 0)
		return;
	snprintf(inner.text, sizeof(inner.text), "%s", text);
	l->rc = nse_error(l->err, code, "%s:%u: %s", l->path, l->line, inner.text);
}

/* For inih: one line without its newline, never longer than it can take. */
static char *read_line(char *out, int room, void *arg)
{
	struct loader *l = arg;
	size_t n;

	if (l->rc < 0 || !fgets(out, room, l->file))
		return NULL;
	l->line++;
	n = strlen(out);
	if (n + 1 == (size_t)room && out[n - 1] != '\n') {
		fail(l, -EINVAL,
		     "the line is too long; continue it on a line that begins with a space");
		return NULL;
	}
	if (out[0] == '[' && strcspn(out, "]\n") > MAX_SECTION) {
		fail(l, -EINVAL, "the section's name is too long");
		return NULL;
	}
	return out;
}

/* Room for one more of size bytes. */
static void *grow(void **items, size_t n, size_t size)
{
	void *p = realloc(*items, (n + 1) * size);

	if (!p)
		return NULL;
	*items = p;
	return (char *)p + n * size;
}

static int add_zone(void *to, const char *word, struct nse_error *err)
{
	struct nse_domain_config *d = to;
	unsigned long zone;
	uint16_t *p;
	char *end;

	zone = strtoul(word, &end, 10);
	if (!isdigit((unsigned char)*word) || *end || zone > UINT16_MAX)
		return nse_error(err, -EINVAL, "'%s' is not a zone (0 to 65535)", word);
	if (d->nzones == MAX_ZONES)
		return nse_error(err, -E2BIG, "more than %d zones", MAX_ZONES);
	p = grow((void **)&d->zones, d->nzones, sizeof(*p));
	if (!p)
		return nse_error(err, -ENOMEM, "out of memory");
	*p = (uint16_t)zone;
	d->nzones++;
	return 0;
}

static int add_vif(void *to, const char *word, struct nse_error *err)
{
	struct nse_domain_config *d = to;
	struct nse_vif vif = { .devid = (int)d->domain.nvifs };
	int rc = nse_ifname_check(word, err);

	if (rc < 0)
		return rc;
	snprintf(vif.name, sizeof(vif.name), "%s", word);
	rc = nse_domain_add_vif(&d->domain, &vif);
	return rc < 0 ? nse_errno(err, rc, "vif %s", word) : 0;
}

static int add_addr(void *to, const char *word, struct nse_error *err)
{
	struct nse_domain_config *d = to;
	struct nse_addr addr;
	int rc = nse_addr_parse(word, &addr, err);

	if (rc < 0)
		return rc;
	rc = nse_domain_add_addr(&d->domain, &addr);
	return rc < 0 ? nse_errno(err, rc, "address %s", word) : 0;
}

static int add_allow(void *to, const char *word, struct nse_error *err)
{
	struct nse_config *c = to;
	struct nse_addr addr, *p;
	int rc = nse_addr_parse(word, &addr, err);

	if (rc < 0)
		return rc;
	if (c->nallow == MAX_ALLOW)
		return nse_error(err, -E2BIG, "more than %d prefixes", MAX_ALLOW);
	p = grow((void **)&c->allow, c->nallow, sizeof(*p));
	if (!p)
		return nse_error(err, -ENOMEM, "out of memory");
	*p = addr;
	c->nallow++;
	return 0;
}

static int add_pattern(char ***list, size_t *n, const char *word, struct nse_error *err)
{
	char **p;

	if (*n == MAX_PATTERN)
		return nse_error(err, -E2BIG, "more than %d patterns", MAX_PATTERN);
	p = grow((void **)list, *n, sizeof(*p));
	if (p)
		*p = strdup(word);
	if (!p || !*p)
		return nse_error(err, -ENOMEM, "out of memory");
	++*n;
	return 0;
}

#define LETTERS "%n, %u, %i, %v or %% in it"

static int add_table(void *to, const char *word, struct nse_error *err)
{
	struct nse_patterns *p = to;

	if (!nse_pattern_ok(word, NSE_SELECTOR_TABLE))
		return nse_error(err, -EINVAL, "'%s' is not FAMILY:TABLE, with %s", word,
				 LETTERS);
	return add_pattern(&p->tables, &p->ntables, word, err);
}

static int add_chain(void *to, const char *word, struct nse_error *err)
{
	struct nse_patterns *p = to;

	if (!nse_pattern_ok(word, NSE_SELECTOR_CHAIN))
		return nse_error(err, -EINVAL, "'%s' is not FAMILY:TABLE:CHAIN, with %s",
				 word, LETTERS);
	return add_pattern(&p->chains, &p->nchains, word, err);
}

static int add_allow_nft(void *to, const char *word, struct nse_error *err)
{
	struct nse_patterns *p = to;

	if (nse_pattern_ok(word, NSE_SELECTOR_TABLE))
		return add_pattern(&p->tables, &p->ntables, word, err);
	if (nse_pattern_ok(word, NSE_SELECTOR_CHAIN))
		return add_pattern(&p->chains, &p->nchains, word, err);
	return nse_error(err, -EINVAL,
			 "'%s' is not FAMILY:TABLE or FAMILY:TABLE:CHAIN, with %s", word,
			 LETTERS);
}

static struct nse_domain_config *section_of(struct nse_config *c, const char *name)
{
	struct nse_domain_config *d;

	for (size_t i = 0; i < c->ndomains; i++)
		if (strcmp(c->domains[i].domain.name, name) == 0)
			return &c->domains[i];
	if (c->ndomains == MAX_DOMAINS || strlen(name) >= NSE_DOMAIN_NAME_MAX)
		return NULL;
	d = grow((void **)&c->domains, c->ndomains, sizeof(*d));
	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	nse_domain_init(&d->domain);
	snprintf(d->domain.name, sizeof(d->domain.name), "%s", name);
	c->ndomains++;
	return d;
}

/* What a word of a list does; `to` is the section's own struct. */
typedef int word_fn(void *to, const char *word, struct nse_error *err);

static int each_word(const char *value, word_fn *add, void *to, struct nse_error *err)
{
	NSE_FREE char *copy = strdup(value);
	char *save = NULL;
	int rc = 0;

	if (!copy)
		return nse_error(err, -ENOMEM, "out of memory");
	for (char *w = strtok_r(copy, ", \t", &save); w && rc == 0;
	     w = strtok_r(NULL, ", \t", &save))
		rc = add(to, w, err);
	return rc;
}

static int set_text(char *out, size_t room, const char *value, bool ok, const char *form,
		    struct nse_error *err)
{
	if (!ok || strlen(value) >= room)
		return nse_error(err, -EINVAL, "'%s' is not %s", value, form);
	snprintf(out, room, "%s", value);
	return 0;
}

static int set_domain(struct nse_config *c, const char *section, const char *key,
		      const char *value, struct nse_error *err)
{
	const char *name = section + strcspn(section, " \t");
	struct nse_domain_config *d;

	name += strspn(name, " \t");
	if (!*name)
		return nse_error(err, -EINVAL, "the section [domain NAME] has no name");
	d = section_of(c, name);
	if (!d)
		return nse_error(err, -E2BIG,
				 "domain '%s' is one too many, or its name is too long",
				 name);
	if (strcmp(key, "addresses") == 0)
		return each_word(value, add_addr, d, err);
	if (strcmp(key, "vifs") == 0)
		return each_word(value, add_vif, d, err);
	if (strcmp(key, "zones") == 0)
		return each_word(value, add_zone, d, err);
	if (strcmp(key, "tables") == 0)
		return each_word(value, add_table, &d->nft, err);
	if (strcmp(key, "chains") == 0)
		return each_word(value, add_chain, &d->nft, err);
	return nse_error(err, -EINVAL,
			 "unknown key '%s' in [%s] (addresses, vifs, zones, tables, "
			 "chains)",
			 key, section);
}

static int set_receive(struct nse_config *c, const char *key, const char *value,
		       struct nse_error *err)
{
	if (strcmp(key, "allow") == 0)
		return each_word(value, add_allow, c, err);
	if (strcmp(key, "allow-nft") == 0)
		return each_word(value, add_allow_nft, &c->allow_nft, err);
	return nse_error(err, -EINVAL, "unknown key '%s' in [receive] (allow, allow-nft)",
			 key);
}

static int set_nft(struct nse_config *c, const char *key, const char *value,
		   struct nse_error *err)
{
	if (strcmp(key, "tables") == 0)
		return each_word(value, add_table, &c->nft, err);
	if (strcmp(key, "chains") == 0)
		return each_word(value, add_chain, &c->nft, err);
	return nse_error(err, -EINVAL, "unknown key '%s' in [nft] (tables, chains)", key);
}

static int set(struct nse_config *c, const char *section, const char *key,
	       const char *value, struct nse_error *err)
{
	if (strcmp(section, "nsemig") == 0 && strcmp(key, "platform") == 0)
		return set_text(c->platform, sizeof(c->platform), value,
				strcmp(value, "xen") == 0 ||
					(strncmp(value, "script:", 7) == 0 && value[7]),
				"xen or script:PROGRAM", err);
	if (strcmp(section, "nsemig") == 0 && strcmp(key, "state-dir") == 0)
		return set_text(c->state_dir, sizeof(c->state_dir), value,
				value[0] == '/', "an absolute path", err);
	if (strcmp(section, "receive") == 0)
		return set_receive(c, key, value, err);
	if (strcmp(section, "nft") == 0)
		return set_nft(c, key, value, err);
	if (strncmp(section, "domain", 6) == 0 && strchr(" \t", section[6]))
		return set_domain(c, section, key, value, err);
	if (strcmp(section, "nsemig") == 0)
		return nse_error(err, -EINVAL,
				 "unknown key '%s' in [nsemig] (platform, state-dir)",
				 key);
	return nse_error(err, -EINVAL,
			 "unknown section [%s] ([nsemig], [receive], [nft], [domain "
			 "NAME])",
			 section);
}

/* For inih: 1 goes on. */
static int on_key(void *arg, const char *section, const char *key, const char *value)
{
	struct nse_error err = { 0 };
	struct loader *l = arg;
	int rc;

	if (l->rc < 0)
		return 0;
	rc = set(l->config, section, key, value, &err);
	if (rc < 0)
		fail(l, rc == -ENOMEM ? rc : -EINVAL, err.text);
	return rc == 0;
}

static int read_file(struct loader *l)
{
	int rc;

	l->file = fopen(l->path, "re");
	if (!l->file)
		return -errno;
	rc = ini_parse_stream(read_line, l, on_key, l);
	if (rc > 0 && l->rc == 0) {
		l->line = (unsigned int)rc;
		fail(l, -EINVAL, "expected [SECTION] or KEY = VALUE");
	}
	if (l->rc == 0 && (rc < 0 || ferror(l->file)))
		l->rc = nse_error(l->err, -EIO, "cannot read %s", l->path);
	fclose(l->file);
	return l->rc;
}

int nse_config_load(struct nse_config *c, struct nse_error *err)
{
	const char *path = getenv("NSEMIG_CONFIG");
	bool named = path && *path;
	struct loader l = { .config = c, .err = err };
	int rc;

	memset(c, 0, sizeof(*c));
	snprintf(c->state_dir, sizeof(c->state_dir), "%s", NSE_STATE_DIR_DEFAULT);
	l.path = named ? path : NSE_CONFIG_DEFAULT;
	rc = read_file(&l);
	if (rc == 0 || (rc == -ENOENT && !named && !l.file))
		return 0;
	if (!l.file)
		nse_errno(err, rc, "cannot open the configuration %s", l.path);
	nse_config_release(c);
	return rc;
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
}

void nse_config_release(struct nse_config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->ndomains; i++) {
		nse_domain_release(&c->domains[i].domain);
		free(c->domains[i].zones);
		release_patterns(&c->domains[i].nft);
	}
	free(c->domains);
	release_patterns(&c->nft);
	release_patterns(&c->allow_nft);
	free(c->allow);
	memset(c, 0, sizeof(*c));
}

const struct nse_domain_config *nse_config_domain(const struct nse_config *c,
						  const char *name)
{
	for (size_t i = 0; i < c->ndomains; i++)
		if (strcmp(c->domains[i].domain.name, name) == 0)
			return &c->domains[i];
	return NULL;
}
