/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contexts of domains on other hosts: `nsemig snapshot` is run there, over
 * SSH, and its stream is read. What it says on its stderr reaches ours.
 */
#include "cmd/source_remote.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/context/stream_format.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

/* A host that collects a big table says nothing until its first records. */
#define SILENCE_US (120 * 1000000LL)
#define END_US	   (20 * 1000000LL)

/* Behind the host, which may be an IPv6 address in brackets: its ':' or NULL. */
static const char *end_of_host(const char *word)
{
	const char *at = strchr(word, '@'), *colon = strchr(word, ':'), *close;
	const char *host = at && (!colon || at < colon) ? at + 1 : word;

	if (*host != '[')
		return colon;
	close = strchr(host, ']');
	return close && close[1] == ':' ? close + 1 : NULL;
}

bool cmd_remote_is(const char *word)
{
	const char *end = end_of_host(word);

	return word[0] != '@' && end && end > word &&
	       !memchr(word, '/', (size_t)(end - word));
}

/* Could the host be the first group of an IPv6 address that goes on behind its ':'? */
static bool is_group(const char *word, const char *end)
{
	const char *at = memchr(word, '@', (size_t)(end - word));
	const char *host = at ? at + 1 : word;

	return strspn(host, "0123456789abcdefABCDEF") == (size_t)(end - host);
}

int cmd_remote_split(const char *word, struct cmd_remote_name *name,
		     struct nse_error *err)
{
	const char *end = end_of_host(word), *domain, *digits;
	bool group;

	if (!cmd_remote_is(word))
		return nse_error(err, -EINVAL, "%s: expected [USER@]HOST[:PORT]:DOMAIN",
				 word);
	group = is_group(word, end);
	digits = end + 1;
	while (isdigit((unsigned char)*digits))
		digits++;
	/* A number is a port when a domain's place follows it, else a domain's id. */
	if (digits > end + 1 && *digits == ':')
		end = digits;
	domain = end + 1;
	if (group && strchr(domain, ':'))
		return nse_error(err, -EINVAL,
				 "%s: is '%s' a domain? An IPv6 address is written in "
				 "brackets, as [2001:db8::1]:DOMAIN",
				 word, domain);
	if ((size_t)(end - word) >= sizeof(name->target))
		return nse_error(err, -EINVAL, "%s: the host's name is too long", word);
	memcpy(name->target, word, (size_t)(end - word));
	name->target[end - word] = '\0';
	name->domain = domain;
	return 0;
}

/* A word for the shell of the far side; as it is when no shell would mind. */
static void add_word(FILE *to, const char *word)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_.,:/@%+=-";

	fputc(' ', to);
	if (*word && word[strspn(word, fine)] == '\0') {
		fputs(word, to);
		return;
	}
	fputc('\'', to);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){ *word, '\0' }, to);
	fputc('\'', to);
}

static void add_option(FILE *to, const char *name, const char *value)
{
	add_word(to, name);
	add_word(to, value);
}

static void add_engines(FILE *to, uint32_t engines)
{
	const char *sep = " -e ";

	for (size_t i = 0; engines != NSE_ENGINES_ALL && nse_engines[i]; i++)
		if (engines >> i & 1) {
			fprintf(to, "%s%s", sep, nse_engines[i]->name);
			sep = ",";
		}
}

static void add_scope(FILE *to, const struct nse_scope *s)
{
	char text[NSE_ADDR_STR];

	if (s->all)
		add_word(to, "--all");
	if (s->carry_shared)
		add_word(to, "--carry-shared");
	for (size_t i = 0; i < s->domain.naddrs; i++)
		add_option(to, "--addr", nse_addr_format(&s->domain.addrs[i], text));
	for (size_t i = 0; i < s->domain.nvifs; i++)
		add_option(to, "--vif", s->domain.vifs[i].name);
	for (size_t i = 0; i < s->nzones; i++)
		fprintf(to, " --zone %u", s->zones[i]);
	for (size_t i = 0; i < s->ntables; i++)
		add_option(to, "--table", s->tables[i]);
	for (size_t i = 0; i < s->nchains; i++)
		add_option(to, "--chain", s->chains[i]);
}

char *cmd_remote_args(const struct cmd_scope *chosen, const char *domain)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return NULL;
	fputs("snapshot", to);
	add_engines(to, chosen->engines);
	add_scope(to, &chosen->given);
	if (*domain) {
		add_word(to, "--");
		add_word(to, domain);
	}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

/* What is read, and what became of it. */
struct far {
	int fd;
	bool silent;				  /* it said nothing for too long */
	char start[sizeof(NSE_STREAM_MAGIC) - 1]; /* the first bytes that came */
	size_t n;				  /* of them */
};

static void note_start(struct far *f, const char *p, size_t n)
{
	size_t left = sizeof(f->start) - f->n;

	n = n < left ? n : left;
	memcpy(f->start + f->n, p, n);
	f->n += n;
}

static ssize_t read_far(void *arg, void *p, size_t n)
{
	struct far *f = arg;

	for (;;) {
		ssize_t k = read(f->fd, p, n);
		int rc;

		if (k >= 0) {
			note_start(f, p, (size_t)k);
			return k;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		rc = nse_wait_readable(f->fd, nse_now_us() + SILENCE_US);
		f->silent = rc == -ETIMEDOUT;
		if (rc < 0)
			return rc;
	}
}

static int far_failed(int status, const char *target, bool rsh, struct nse_error *err)
{
	if (status == 127)
		return nse_error(
			err, -ENOENT,
			"%s has no nsemig in its PATH (--remote-command names it)",
			target);
	if (status == 2)
		return nse_error(
			err, -EPROTO,
			"nsemig at %s does not take the command, see above (is it "
			"an older version?)",
			target);
	if (status == 255 && rsh)
		return nse_error(
			err, -EPIPE,
			"the command of --rsh did not reach %s, or its link broke, see "
			"above",
			target);
	if (status < 0 || status == 255)
		return nse_error(
			err, -EPIPE,
			"the link to %s broke before the whole context had come; "
			"nothing was changed: try again",
			target);
	return nse_error(
		err, -EREMOTEIO,
		"nsemig at %s cannot take the snapshot (exit status %d), see above",
		target, status);
}

/* The far side's status says more than where its stream ended. */
static int judge(const struct far *f, int status, const char *target, bool rsh, int rc,
		 struct nse_error *err)
{
	if (f->silent)
		return nse_error(
			err, -ETIMEDOUT,
			"%s has sent nothing for %d s; is the host overloaded? Try "
			"`nsemig snapshot` there",
			target, (int)(SILENCE_US / 1000000));
	if (status != 0)
		return far_failed(status, target, rsh, err);
	if (rc < 0) {
		bool strange = memcmp(f->start, NSE_STREAM_MAGIC, f->n) != 0;

		/* What is wrong with a stream is not wrong with the command line. */
		err->code = rc == -EINVAL ? -EBADMSG : rc;
		nse_error_prefix(err, "%s", target);
		if (!strange)
			return err->code;
		return nse_error(err, -EBADMSG,
				 "what came from %s is no context stream; does its shell "
				 "print something at login?",
				 target);
	}
	return 0;
}

static int take(const struct nse_link_spec *spec, const char *target,
		struct nse_snapshot *s, struct nse_error *err)
{
	struct nse_link link;
	struct far far = { 0 };
	int rc = nse_link_open(&link, spec, err), status;

	if (rc < 0)
		return rc;
	nse_link_shutdown(&link);
	far.fd = link.fd;
	rc = nse_snapshot_read(s, read_far, &far, err);
	if (far.silent) {
		nse_link_close(&link);
		status = 0;
	} else {
		status = nse_link_finish(&link, nse_now_us() + END_US);
	}
	rc = judge(&far, status, target, spec->rsh, rc, err);
	if (rc < 0)
		nse_snapshot_release(s);
	return rc;
}

int cmd_load_remote(const struct cmd_scope *chosen, const struct cmd_remote *remote,
		    const char *word, const char *domain, struct nse_snapshot *s,
		    struct nse_error *err)
{
	/* What the configuration says of one host is not for another one. */
	NSE_CLEANUP(cmd_remote_release)
	struct cmd_remote far = { .identity = remote->identity,
				  .known_hosts = remote->known_hosts,
				  .rsh = remote->rsh,
				  .remote_command = remote->remote_command };
	NSE_FREE char *args = NULL;
	struct cmd_remote_name name;
	struct nse_link_spec spec;
	int rc = cmd_remote_split(word, &name, err);

	if (rc < 0)
		return rc;
	if (!*name.domain && nse_scope_empty(&chosen->given) && domain)
		name.domain = domain;
	if (!*name.domain && nse_scope_empty(&chosen->given))
		return nse_error(
			err, -EINVAL,
			"%s names no domain: give %sDOMAIN, or the options of Scope",
			word, word);
	args = cmd_remote_args(chosen, name.domain);
	if (!args)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = cmd_remote_defaults(&far, name.target, err);
	if (rc == 0)
		rc = cmd_remote_spec(&far, name.target, args, &spec, err);
	if (rc == 0)
		rc = take(&spec, name.target, s, err);
	if (rc == -EHOSTUNREACH && !strchr(word, '@') && !strchr(word, '['))
		return nse_error_prefix(
			err, "no file is called '%s', and it is taken for HOST:DOMAIN",
			word);
	return rc;
}
