/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text format of Prometheus, written and read back.
 */
#include "cmd/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define SAMPLES_MAX 100000
#define LOCK_US	    5000000 /* it is held for as long as a file takes to be written */

struct family {
	const char *name, *type, *help;
};

static const struct family families[] = {
	{ "nsemig_migrations_total", "counter",
	  "Migrations that began on this host, by how they ended." },
	{ "nsemig_migration_last_timestamp_seconds", "gauge",
	  "When the last migration from this host ended so." },
	{ "nsemig_migration_frozen_seconds", "gauge",
	  "For how long the last domain that migrated was frozen." },
	{ "nsemig_migration_commit_seconds", "gauge",
	  "From its freeze to its context being in force at the target." },
	{ "nsemig_migration_hold_seconds", "gauge",
	  "For how long READY was held back from the platform." },
	{ "nsemig_migration_records", "gauge", "Records that it carried." },
	{ "nsemig_sessions_total", "counter",
	  "Migrations to this host, by how they ended." },
	{ "nsemig_recovered_total", "counter",
	  "Sessions of killed processes, by what recovery made of them." },
	{ "nsemig_snapshots_total", "counter",
	  "Snapshots of one domain each, by how they ended." },
	{ "nsemig_snapshot_run_timestamp_seconds", "gauge",
	  "When all domains were last gone through." },
	{ "nsemig_snapshot_run_failed", "gauge", "Domains that failed then." },
	{ "nsemig_snapshot_last_success_timestamp_seconds", "gauge",
	  "When the domain's newest snapshot was stored." },
	{ "nsemig_snapshot_bytes", "gauge", "Size of the domain's newest snapshot." },
	{ "nsemig_snapshot_records", "gauge", "Records in it." },
	{ "nsemig_snapshot_duration_seconds", "gauge", "How long it took." },
	{ NULL, NULL, NULL },
};

struct sample {
	const struct family *family;
	char *labels; /* as between the braces, "" for none; owned */
	double value;
};

struct cmd_metrics {
	char *path; /* owned */
	int lock;
	struct sample *items;
	size_t n;
};

static const struct family *find_family(const char *name, size_t n)
{
	for (const struct family *f = families; f->name; f++)
		if (strlen(f->name) == n && memcmp(f->name, name, n) == 0)
			return f;
	return NULL;
}

/* labels is taken over, NULL is no memory. */
static struct sample *sample_of(struct cmd_metrics *m, const struct family *f,
				char *labels)
{
	struct sample *p;

	for (size_t i = 0; labels && i < m->n; i++)
		if (m->items[i].family == f && strcmp(m->items[i].labels, labels) == 0) {
			free(labels);
			return &m->items[i];
		}
	p = labels && m->n < SAMPLES_MAX ? realloc(m->items, (m->n + 1) * sizeof(*p))
					 : NULL;
	if (!p) {
		free(labels);
		return NULL;
	}
	m->items = p;
	p[m->n] = (struct sample){ f, labels, 0 };
	return &p[m->n++];
}

/* NAME="VALUE", with what the format wants escaped. */
static char *label_text(const char *label, const char *value)
{
	NSE_FREE char *escaped = NULL;
	char *out, *p;

	if (!label)
		return strdup("");
	escaped = malloc(2 * strlen(value) + 1);
	if (!escaped)
		return NULL;
	p = escaped;
	for (const char *c = value; *c; c++) {
		if (*c == '\\' || *c == '"' || *c == '\n')
			*p++ = '\\';
		*p++ = *c == '\n' ? 'n' : *c;
	}
	*p = '\0';
	return asprintf(&out, "%s=\"%s\"", label, escaped) < 0 ? NULL : out;
}

/* One of our own lines; whatever else is there is left out. */
static void read_line(struct cmd_metrics *m, char *line)
{
	size_t n = strcspn(line, "{ ");
	const struct family *f = find_family(line, n);
	char *labels = line + n, *value = strrchr(line, ' '), *end;
	struct sample *s;
	double v;

	if (!f || !value || (*labels == '{' && (value == labels || value[-1] != '}')))
		return;
	v = strtod(value + 1, &end);
	if (end == value + 1 || (*end && *end != '\n') || !isfinite(v))
		return;
	if (*labels == '{') {
		labels++;
		value[-1] = '\0';
	} else {
		*labels = '\0';
	}
	s = sample_of(m, f, strdup(labels));
	if (s)
		s->value = v;
}

static int read_back(struct cmd_metrics *m, struct nse_error *err)
{
	FILE *f = fopen(m->path, "re");
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!f)
		return errno == ENOENT
			       ? 0
			       : nse_errno(err, -errno, "cannot read %s", m->path);
	while (getline(&line, &room, f) > 0)
		read_line(m, line);
	if (ferror(f))
		rc = nse_errno(err, -EIO, "cannot read %s", m->path);
	free(line);
	fclose(f);
	return rc;
}

/* The lock has a file of its own, since the other one is replaced. */
static int lock(struct cmd_metrics *m, struct nse_error *err)
{
	NSE_FREE char *path = NULL;
	int64_t deadline;

	if (asprintf(&path, "%s.lock", m->path) < 0) {
		path = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	m->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock < 0)
		return nse_errno(err, -errno, "cannot open %s", path);
	deadline = nse_now_us() + LOCK_US;
	while (flock(m->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return nse_errno(err, -errno, "cannot lock %s", path);
		if (nse_now_us() >= deadline) {
			nse_error(err, -EBUSY, "another process has had %s for %d s",
				  path, LOCK_US / 1000000);
			return nse_advise(err, "`fuser -v %s` says which: end it", path);
		}
		/* No call waits for a lock and for a time. */
		poll(NULL, 0, 20);
	}
	return 0;
}

static void release(struct cmd_metrics *m)
{
	if (m->lock >= 0)
		close(m->lock);
	for (size_t i = 0; i < m->n; i++)
		free(m->items[i].labels);
	free(m->items);
	free(m->path);
	free(m);
}

int cmd_metrics_open(struct cmd_metrics **out, const struct nse_config *config,
		     struct nse_error *err)
{
	const char *path = nse_config_get(config, "metrics", "textfile");
	struct cmd_metrics *m;
	int rc;

	*out = NULL;
	if (!path)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return nse_error(err, -ENOMEM, "out of memory");
	m->lock = -1;
	m->path = strdup(path);
	rc = m->path ? lock(m, err) : nse_error(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = read_back(m, err);
	if (rc < 0)
		release(m);
	else
		*out = m;
	return rc;
}

static struct sample *wanted(struct cmd_metrics *m, const char *name, const char *label,
			     const char *value)
{
	const struct family *f = m ? find_family(name, strlen(name)) : NULL;

	return f ? sample_of(m, f, label_text(label, value)) : NULL;
}

void cmd_metrics_set(struct cmd_metrics *m, const char *name, const char *label,
		     const char *value, double to)
{
	struct sample *s = wanted(m, name, label, value);

	if (s)
		s->value = to;
}

void cmd_metrics_add(struct cmd_metrics *m, const char *name, const char *label,
		     const char *value, double by)
{
	struct sample *s = wanted(m, name, label, value);

	if (s)
		s->value += by;
}

static bool is_listed(const struct sample *s, const char *label, const json_t *values)
{
	for (size_t i = 0; i < json_array_size(values); i++) {
		const char *v = json_string_value(json_array_get(values, i));
		NSE_FREE char *text = v ? label_text(label, v) : NULL;

		if (text && strcmp(text, s->labels) == 0)
			return true;
	}
	return false;
}

void cmd_metrics_retain(struct cmd_metrics *m, const char *label, const json_t *values)
{
	size_t n = strlen(label), kept = 0;

	for (size_t i = 0; m && i < m->n; i++) {
		struct sample *s = &m->items[i];
		bool has = strncmp(s->labels, label, n) == 0 && s->labels[n] == '=';

		if (has && !is_listed(s, label, values))
			free(s->labels);
		else
			m->items[kept++] = *s;
	}
	if (m)
		m->n = kept;
}

static void print_family(const struct cmd_metrics *m, const struct family *f, FILE *to)
{
	bool first = true;

	for (size_t i = 0; i < m->n; i++) {
		const struct sample *s = &m->items[i];
		bool bare = !s->labels[0];

		if (s->family != f)
			continue;
		if (first)
			fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help,
				f->name, f->type);
		first = false;
		fprintf(to, "%s%s%s%s %.*f\n", f->name, bare ? "" : "{", s->labels,
			bare ? "" : "}", s->value == floor(s->value) ? 0 : 6, s->value);
	}
}

static int write_file(const struct cmd_metrics *m, struct nse_error *err)
{
	NSE_CLEANUP(nse_newfile_release) struct nse_newfile f = NSE_NEWFILE_INIT;
	NSE_FREE char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int rc;

	if (!to)
		return nse_error(err, -ENOMEM, "out of memory");
	for (const struct family *fam = families; fam->name; fam++)
		print_family(m, fam, to);
	if (fclose(to) != 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_newfile_open(&f, m->path, err);
	if (rc < 0)
		return rc;
	rc = nse_write_full(f.fd, text, size, NSE_FOREVER);
	/* The exporter is another user. */
	if (rc == 0 && fchmod(f.fd, 0644) < 0)
		rc = -errno;
	if (rc < 0)
		return nse_errno(err, rc, "cannot write %s", m->path);
	return nse_newfile_commit(&f, err);
}

int cmd_metrics_close(struct cmd_metrics *m, struct nse_error *err)
{
	int rc;

	if (!m)
		return 0;
	rc = write_file(m, err);
	release(m);
	return rc;
}
