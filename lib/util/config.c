/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration files, read by inih. inih cuts long lines in two without
 * a word, so the lines are fed by a reader of our own, which also knows their
 * numbers for the error texts and which of them go on with a list.
 */
#include "lib/util/config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/util/cleanup.h"
#include "lib/util/config_private.h"
#include "lib/util/nearest.h"

#define MAX_SECTION 49 /* bytes; inih cuts what is longer */

struct loader {
	struct nse_config *config;
	struct nse_error *err;
	const char *path;
	FILE *file;
	unsigned int line;
	bool goes_on; /* the line begins with a space */
	bool skip;    /* the section is unknown, which was told */
	size_t last;  /* the value that a line may go on with, SIZE_MAX: none */
	int rc;	      /* of the first error */
	/* To go on after an error: each is told; NULL: the first one ends it. */
	void (*tell)(void *arg, const char *text);
	void *arg;
	int told;
};

static void fail(struct loader *l, int code, const char *text)
{
	struct nse_error err = { 0 };

	if (l->rc < 0)
		return;
	nse_error(&err, code, "%s:%u: %s", l->path, l->line, text);
	if (l->tell && code != -ENOMEM) {
		l->tell(l->arg, err.text);
		l->told++;
		return;
	}
	l->rc = code;
	if (l->err)
		*l->err = err;
}

/* "domain NAME" is cut in two; NULL when there is no name. */
static const char *cut_section(char *section)
{
	char *name = section + strcspn(section, " \t");

	if (!*name)
		return NULL;
	*name++ = '\0';
	name += strspn(name, " \t");
	for (size_t n = strlen(name); n && strchr(" \t", name[n - 1]);)
		name[--n] = '\0';
	return *name ? name : NULL;
}

static const char *next_section(const void *arg, size_t i)
{
	const char *last = "";

	(void)arg;
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++) {
		if (strcmp(k->section, last) && i-- == 0)
			return k->section;
		last = k->section;
	}
	return NULL;
}

static const char *next_key(const void *section, size_t i)
{
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++)
		if (strcmp(k->section, section) == 0 && i-- == 0)
			return k->name;
	return NULL;
}

/* The words of a list, as "a, b, c". */
static void list_words(const char *(*next)(const void *arg, size_t i), const void *arg,
		       char *out, size_t room)
{
	size_t len = 0;
	const char *w;

	out[0] = '\0';
	for (size_t i = 0; (w = next(arg, i)) && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i ? ", " : "", w);
}

static int check_section(const char *section, const char *subject, struct nse_error *err)
{
	char list[256];
	const char *near;

	if (next_key(section, 0)) {
		if (nse_config_named(section) && !subject)
			return nse_error(err, -EINVAL,
					 "the section [%s NAME] has no name", section);
		if (!nse_config_named(section) && subject)
			return nse_error(err, -EINVAL, "the section [%s] takes no name",
					 section);
		return 0;
	}
	near = nse_nearest(section, next_section, NULL);
	list_words(next_section, NULL, list, sizeof(list));
	return nse_error(err, -EINVAL, "unknown section [%s]%s%s%s (there are %s)",
			 section, near ? "; did you mean [" : "", near ? near : "",
			 near ? "]?" : "", list);
}

/* A section is checked where it begins: it may have no keys. */
static void begin_section(struct loader *l, const char *line)
{
	struct nse_error err = { 0 };
	char section[MAX_SECTION + 1];
	const char *subject;
	size_t n = strcspn(line + 1, "]\n");

	l->last = SIZE_MAX;
	if (n > MAX_SECTION - 1) {
		fail(l, -EINVAL, "the section's name is too long");
		l->skip = true;
		return;
	}
	if (line[1 + n] != ']')
		return;
	snprintf(section, sizeof(section), "%.*s", (int)n, line + 1);
	subject = cut_section(section);
	l->skip = check_section(section, subject, &err) < 0;
	if (l->skip)
		fail(l, -EINVAL, err.text);
}

/* The rest of a line that is too long, when errors do not end the reading. */
static void drop_line(FILE *f)
{
	int c;

	while ((c = getc(f)) != EOF && c != '\n')
		;
}

/* inih knows comments behind a value, but not in the lines that go on with it. */
static void drop_comment(char *line)
{
	for (char *p = line + strspn(line, " \t"); *p; p++)
		if (*p == ';' && (p[-1] == ' ' || p[-1] == '\t')) {
			*p++ = '\n';
			*p = '\0';
			return;
		}
}

/* For inih: one line, never longer than it can take. */
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
		drop_line(l->file);
		snprintf(out, (size_t)room, "\n");
	}
	l->goes_on = out[0] == ' ' || out[0] == '\t';
	if (l->goes_on)
		drop_comment(out);
	if (out[0] == '[')
		begin_section(l, out);
	return l->rc < 0 ? NULL : out;
}

static int unknown_key(const char *section, const char *name, struct nse_error *err)
{
	const char *near = nse_nearest(name, next_key, section);
	char list[256];

	list_words(next_key, section, list, sizeof(list));
	if (near)
		return nse_error(err, -EINVAL,
				 "unknown key '%s' in [%s]; did you mean '%s'? (there "
				 "are %s)",
				 name, section, near, list);
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return nse_error(err, -EINVAL,
					 "unknown key '%s' in [%s]; it belongs to [%s%s]",
					 name, section, k->section,
					 nse_config_named(k->section) ? " NAME" : "");
	return nse_error(err, -EINVAL, "unknown key '%s' in [%s] (there are %s)", name,
			 section, list);
}

static void release_value(struct nse_config_value *v)
{
	free(v->subject);
	free(v->text);
}

/* A later file replaces what an earlier one has set. */
static int replace(struct nse_config *c, size_t i, struct nse_error *err)
{
	int rc = 0;

	release_value(&c->values[i]);
	memmove(&c->values[i], &c->values[i + 1],
		(--c->nvalues - i) * sizeof(*c->values));
	nse_config_reset(c);
	for (size_t k = 0; k < c->nvalues && rc == 0; k++)
		rc = nse_config_apply(c, c->values[k].key, c->values[k].subject,
				      c->values[k].text, err);
	return rc;
}

static int make_room(struct loader *l, const struct nse_config_key *key,
		     const char *subject, struct nse_error *err)
{
	struct nse_config *c = l->config;

	for (size_t i = 0; i < c->nvalues; i++) {
		if (!nse_config_is(&c->values[i], key, subject))
			continue;
		if (c->values[i].file == l->path)
			return nse_error(err, -EINVAL, "%s is set already in line %u",
					 key->name, c->values[i].line);
		return replace(c, i, err);
	}
	return 0;
}

/* Words of a list as they are kept: separated by a comma and a space. */
static char *join_words(const char *old, const char *text)
{
	NSE_FREE char *copy = strdup(text);
	char *all = strdup(old ? old : ""), *save = NULL, *next;

	for (char *w = copy ? strtok_r(copy, ", \t", &save) : NULL; w && all;
	     w = strtok_r(NULL, ", \t", &save)) {
		if (asprintf(&next, "%s%s%s", all, all[0] ? ", " : "", w) < 0)
			next = NULL;
		free(all);
		all = next;
	}
	return copy ? all : (free(all), NULL);
}

static int keep(struct loader *l, const struct nse_config_key *key, const char *subject,
		const char *text, struct nse_error *err)
{
	struct nse_config *c = l->config;
	struct nse_config_value *v;

	v = nse_config_grow((void **)&c->values, c->nvalues, sizeof(*v));
	if (!v)
		return nse_error(err, -ENOMEM, "out of memory");
	*v = (struct nse_config_value){ .key = key, .file = l->path, .line = l->line };
	v->subject = subject ? strdup(subject) : NULL;
	v->text = key->kind == NSE_CONFIG_LIST ? join_words(NULL, text) : strdup(text);
	l->last = c->nvalues++;
	if (!v->text || (subject && !v->subject))
		return nse_error(err, -ENOMEM, "out of memory");
	return 0;
}

static int go_on(struct loader *l, const char *text, struct nse_error *err)
{
	struct nse_config_value *v = &l->config->values[l->last];
	char *all;

	if (v->key->kind != NSE_CONFIG_LIST)
		return nse_error(err, -EINVAL,
				 "%s takes one value: the line must not begin with a "
				 "space",
				 v->key->name);
	all = join_words(v->text, text);
	if (!all)
		return nse_error(err, -ENOMEM, "out of memory");
	free(v->text);
	v->text = all;
	return nse_config_apply(l->config, v->key, v->subject, text, err);
}

static int set(struct loader *l, char *section, const char *name, const char *text,
	       struct nse_error *err)
{
	const char *subject = cut_section(section);
	const struct nse_config_key *key;
	int rc = 0;

	if (!*section)
		return nse_error(err, -EINVAL, "%s stands before any [SECTION]", name);
	rc = check_section(section, subject, err);
	if (rc < 0)
		return rc;
	key = nse_config_key(section, name);
	if (!key)
		return unknown_key(section, name, err);
	if (l->goes_on && l->last != SIZE_MAX &&
	    nse_config_is(&l->config->values[l->last], key, subject))
		return go_on(l, text, err);
	l->last = SIZE_MAX;
	rc = make_room(l, key, subject, err);
	if (rc == 0)
		rc = nse_config_apply(l->config, key, subject, text, err);
	return rc < 0 ? rc : keep(l, key, subject, text, err);
}

/* For inih: 1 goes on. */
static int on_key(void *arg, const char *section, const char *name, const char *text)
{
	struct nse_error err = { 0 };
	struct loader *l = arg;
	char copy[MAX_SECTION + 1];
	int rc;

	if (l->rc < 0)
		return 0;
	if (l->skip)
		return 1;
	snprintf(copy, sizeof(copy), "%s", section);
	rc = set(l, copy, name, text, &err);
	if (rc < 0)
		fail(l, rc == -ENOMEM ? rc : -EINVAL, err.text);
	return rc == 0 || l->tell;
}

/* Its commands are run as root: nobody else may have written them. */
static int open_file(struct loader *l)
{
	struct stat st;
	int rc = 0;

	l->file = fopen(l->path, "re");
	if (!l->file || fstat(fileno(l->file), &st) < 0)
		rc = -errno;
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	if (rc < 0)
		return nse_errno(l->err, rc, "cannot open the configuration %s", l->path);
	if (S_ISREG(st.st_mode) && st.st_mode & S_IWOTH)
		return nse_error(l->err, -EPERM,
				 "everybody may write to the configuration %s\n"
				 "chmod o-w %s, when you have read it",
				 l->path, l->path);
	return 0;
}

static int read_file(struct loader *l)
{
	int rc = open_file(l);

	l->line = 0;
	l->last = SIZE_MAX;
	l->skip = false;
	if (rc == 0) {
		rc = ini_parse_stream(read_line, l, on_key, l);
		if (rc > 0 && l->rc == 0) {
			l->line = (unsigned int)rc;
			fail(l, -EINVAL, "expected [SECTION] or KEY = VALUE");
		}
		if (l->rc == 0 && (rc < 0 || ferror(l->file)))
			l->rc = nse_error(l->err, -EIO, "cannot read %s", l->path);
		rc = l->rc;
	}
	if (l->file)
		fclose(nse_take(l->file));
	return rc;
}

/* The name lives as long as the configuration. */
static int load_file(struct loader *l, const char *path)
{
	struct nse_config *c = l->config;
	char **p = nse_config_grow((void **)&c->files, c->nfiles, sizeof(*p));

	if (p)
		*p = strdup(path);
	if (!p || !*p)
		return nse_error(l->err, -ENOMEM, "out of memory");
	c->nfiles++;
	l->path = *p;
	return read_file(l);
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

/* The same order whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dir(struct loader *l, const char *dir)
{
	struct dirent **list = NULL;
	NSE_FREE char *path = NULL;
	int n = scandir(dir, &list, is_conf, by_name), rc = 0;

	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : nse_errno(l->err, -errno, "cannot read %s", dir);
	for (int i = 0; i < n; i++) {
		free(nse_take(path));
		if (rc == 0 && asprintf(&path, "%s/%s", dir, list[i]->d_name) < 0) {
			path = NULL;
			rc = nse_error(l->err, -ENOMEM, "out of memory");
		}
		if (rc == 0)
			rc = load_file(l, path);
		free(list[i]);
	}
	free(list);
	return rc;
}

int nse_config_load(struct nse_config *c, struct nse_error *err)
{
	const char *path = getenv("NSEMIG_CONFIG");
	struct loader l = { .config = c, .err = err };
	struct stat st;
	int rc = 0;

	memset(c, 0, sizeof(*c));
	nse_config_reset(c);
	if (path && *path)
		rc = load_file(&l, path);
	else if (stat(NSE_CONFIG_DIR_DEFAULT "/nsemig.conf", &st) == 0 || errno != ENOENT)
		rc = load_file(&l, NSE_CONFIG_DIR_DEFAULT "/nsemig.conf");
	if (rc == 0 && !(path && *path))
		rc = load_dir(&l, NSE_CONFIG_DIR_DEFAULT "/conf.d");
	if (rc < 0)
		nse_config_release(c);
	return rc;
}

int nse_config_check(const char *path, void (*tell)(void *arg, const char *text),
		     void *arg, struct nse_error *err)
{
	NSE_CLEANUP(nse_config_release) struct nse_config c = { .nvalues = 0 };
	struct loader l = { .config = &c, .err = err, .tell = tell, .arg = arg };
	int rc = load_file(&l, path);

	return rc < 0 ? rc : l.told;
}

void nse_config_release(struct nse_config *c)
{
	if (!c)
		return;
	nse_config_reset(c);
	for (size_t i = 0; i < c->nvalues; i++)
		release_value(&c->values[i]);
	free(c->values);
	for (size_t i = 0; i < c->nfiles; i++)
		free(c->files[i]);
	free(c->files);
	memset(c, 0, sizeof(*c));
}
