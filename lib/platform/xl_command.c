/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of `xl migrate`. xl pastes the value of -s and the host
 * into a line for `sh -c`, unquoted: what goes there is quoted here.
 */
#include "lib/platform/xl_move.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/util/buf.h"
#include "lib/util/cleanup.h"

#define COMMAND_MAX 65536

/* Appends one word as sh reads it back, a space in front unless it is first. */
static int put_word(struct nse_buf *b, const char *word)
{
	bool plain = *word != '\0';
	int rc = b->len > 0 ? nse_buf_put_u8(b, ' ') : 0;

	for (const char *p = word; plain && *p; p++)
		plain = isalnum((unsigned char)*p) || strchr("@%_+=:,./-", *p);
	if (rc == 0 && plain)
		return nse_buf_put(b, word, strlen(word));
	if (rc == 0)
		rc = nse_buf_put_u8(b, '\'');
	for (const char *p = word; rc == 0 && *p; p++)
		rc = *p == '\'' ? nse_buf_put(b, "'\\''", 4)
				: nse_buf_put_u8(b, (uint8_t)*p);
	return rc < 0 ? rc : nse_buf_put_u8(b, '\'');
}

static int put_words(struct nse_buf *b, const char *const *words)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && words[i]; i++)
		rc = put_word(b, words[i]);
	return rc;
}

/* The value of -s: GATE SOCKET -- RSH. */
static char *shell_line(const struct nse_xl_move_spec *spec, const char *socket)
{
	static const char *const ssh[] = { "ssh", NULL };
	const char *const *rsh = spec->move->rsh ? spec->move->rsh : ssh;
	struct nse_buf b = NSE_BUF_INIT(COMMAND_MAX);

	if (put_words(&b, spec->gate) < 0 || put_word(&b, socket) < 0 ||
	    put_word(&b, "--") < 0 || put_words(&b, rsh) < 0 ||
	    nse_buf_put_u8(&b, 0) < 0) {
		nse_buf_release(&b);
		return NULL;
	}
	return (char *)b.data;
}

static char *quote(const char *word)
{
	struct nse_buf b = NSE_BUF_INIT(COMMAND_MAX);

	if (put_word(&b, word) < 0 || nse_buf_put_u8(&b, 0) < 0) {
		nse_buf_release(&b);
		return NULL;
	}
	return (char *)b.data;
}

/*
 * Looks at one element as getopt would. Returns 1 when the next element is
 * its argument, 0, or -EINVAL.
 */
static int check_option(const char *option, struct nse_error *err)
{
	if (option[0] != '-' || option[1] == '\0' || strcmp(option, "--") == 0)
		return nse_error(err, -EINVAL,
				 "'%s' is not an option of xl migrate: only options may "
				 "follow '--'",
				 option);
	if (option[1] == '-')
		return 0;
	for (const char *p = option + 1; *p; p++) {
		if (*p == 's')
			return nse_error(err, -EINVAL,
					 "%s: the remote shell of xl migrate is nsemig's "
					 "own; name yours with --rsh",
					 option);
		if (*p == 'C')
			return p[1] == '\0';
	}
	return 0;
}

static int check_options(char *const *options, size_t *n, struct nse_error *err)
{
	int rc = 0;

	for (*n = 0; options && options[*n]; ++*n) {
		rc = rc == 1 ? 0 : check_option(options[*n], err);
		if (rc < 0)
			return rc;
	}
	if (rc == 1)
		return nse_error(err, -EINVAL, "%s needs a file name", options[*n - 1]);
	return 0;
}

static int check_word(const char *what, const char *word, struct nse_error *err)
{
	if (!word || !*word || *word == '-')
		return nse_error(err, -EINVAL, "'%s' is not a %s", word ? word : "",
				 what);
	return 0;
}

int nse_xl_command(struct nse_xl_command *c, const struct nse_xl_move_spec *spec,
		   const char *socket, struct nse_error *err)
{
	const struct nse_move_spec *move = spec->move;
	size_t nopts, n = 0;
	int rc;

	memset(c, 0, sizeof(*c));
	if ((rc = check_word("domain", move->domain, err)) < 0 ||
	    (rc = check_word("host", move->host, err)) < 0 ||
	    (rc = check_options(move->options, &nopts, err)) < 0)
		return rc;
	c->shell = shell_line(spec, socket);
	c->quoted = quote(move->host);
	c->argv = calloc(nopts + 7, sizeof(*c->argv));
	if (!c->shell || !c->quoted || !c->argv) {
		nse_xl_command_release(c);
		return nse_error(err, -ENOMEM, "the command line for xl is too long");
	}
	c->argv[n++] = (char *)spec->xl;
	c->argv[n++] = (char *)"migrate";
	for (size_t i = 0; i < nopts; i++)
		c->argv[n++] = move->options[i];
	c->argv[n++] = (char *)"-s";
	c->argv[n++] = c->shell;
	c->argv[n++] = (char *)move->domain;
	c->argv[n++] = c->quoted;
	return 0;
}

void nse_xl_command_release(struct nse_xl_command *c)
{
	free(c->argv);
	free(c->shell);
	free(c->quoted);
	memset(c, 0, sizeof(*c));
}
