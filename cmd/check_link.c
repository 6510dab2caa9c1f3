/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ways to the other host: ours, which has failed with an error, and that of
 * the platform's own program, which is tried.
 */
#include "cmd/check_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/move_shell.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

#define SHELL_US   (20 * 1000000LL)
#define SAID_MAX   65536 /* bytes that it may print */
#define SSH_ITSELF 255	 /* ssh's own status; others are those of the command */

static const struct {
	int code;
	const char *area, *mend;
} errors[] = {
	{ -EKEYREJECTED, "ssh host key",
	  "compare its fingerprint with `ssh-keygen -lf` there, then ssh-keyscan -H HOST "
	  ">>~/.ssh/known_hosts; or --known-hosts FILE" },
	{ -EACCES, "ssh login", "ssh-copy-id HOST, or --identity FILE" },
	{ -EPROTO, "session",
	  "ssh HOST nsemig --version must print one line; --remote-command names it" },
	{ -EPIPE, "session",
	  "ssh HOST nsemig --version must print one line; --remote-command names it" },
	{ -EPROTONOSUPPORT, "version",
	  "install the same version of nsemig on both hosts" },
	{ -EOPNOTSUPP, "ssh", "--rsh ssh" },
	{ -EHOSTUNREACH, "network", "ping HOST" },
	{ -ENETUNREACH, "network", "ping HOST" },
	{ -ECONNREFUSED, "network", "systemctl start ssh, there; or HOST:PORT" },
	{ -ECONNRESET, "network", "journalctl -u ssh, there" },
	{ -ETIMEDOUT, "network", "ping HOST" },
	{ -EHOSTDOWN, "network", "ping HOST" },
	{ -EREMOTEIO, "target", NULL },
	{ -ENOENT, "ssh", NULL },
	{ -EBUSY, "domain", NULL },
};

/* A command that the advice names itself is better than ours. */
static const char *own_mend(const char *advice, char out[512])
{
	static const char *const starts[] = { "run: ", "right one: ", "old one: " };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(starts); i++) {
		const char *at = strstr(advice, starts[i]);

		if (!at)
			continue;
		at += strlen(starts[i]);
		snprintf(out, 512, "%.*s", (int)strcspn(at, "\n"), at);
		return out;
	}
	return NULL;
}

/* HOST in the advice is the host's name. */
static void fill_in(const char *advice, const char *host, char *out, size_t room)
{
	const char *at = strstr(advice, "HOST");

	if (at)
		snprintf(out, room, "%.*s%s%s", (int)(at - advice), advice, host,
			 at + strlen("HOST"));
	else
		snprintf(out, room, "%s", advice);
}

int cmd_check_error(struct nse_problems *p, const char *host, const struct nse_error *err)
{
	char own[512], mend[1024] = "";
	size_t first = p->n;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(errors); i++) {
		if (errors[i].code != err->code)
			continue;
		if (errors[i].mend)
			fill_in(errors[i].mend, host, mend, sizeof(mend));
		else
			snprintf(mend, sizeof(mend), "%s", err->advice);
		if (nse_problem_add(p, NSE_FAIL, errors[i].area,
				    own_mend(err->advice, own) ?: mend, "%s",
				    err->text) < 0)
			return -ENOMEM;
		nse_problems_set_where(p, first, host);
		return 0;
	}
	return err->code;
}

static int tell_shell(struct nse_problems *p, const char *host, const char *shell,
		      const char *program, int status)
{
	/* Who sits at a terminal can answer what ssh asks for. */
	bool can_ask = isatty(STDIN_FILENO);
	char mend[400];

	if (status == SSH_ITSELF || status < 0) {
		snprintf(mend, sizeof(mend),
			 "ssh %s true, which must not ask for anything; ssh-copy-id %s",
			 host, host);
		return nse_problem_add(
			p, can_ask ? NSE_NOTE : NSE_FAIL, "ssh login", mend,
			"%s goes to the host through `%s`, which does not get in without "
			"being asked (status %d)%s",
			program, shell, status, can_ask ? ": it will ask here" : "");
	}
	return nse_problem_add(
		p, NSE_FAIL, "platform",
		"install it there, or put it into the PATH that sshd gives",
		"there is no %s for whoever logs in through `%s`", program, shell);
}

int cmd_check_shell(struct nse_problems *p, const struct cmd_remote *r,
		    const struct nse_target *target, const char *program,
		    struct nse_error *err)
{
	NSE_CLEANUP(nse_words_release) struct nse_words w = { 0 };
	char host[sizeof(target->user) + sizeof(target->host) + 1], command[64];
	NSE_FREE char *said = NULL;
	size_t first = p->n;
	int rc = cmd_move_shell(r, target->port, true, &w, err);

	snprintf(host, sizeof(host), "%s%s%s", target->user, target->user[0] ? "@" : "",
		 target->host);
	snprintf(command, sizeof(command), "command -v %s", program);
	if (rc == 0 && (nse_words_add(&w, host, strlen(host)) < 0 ||
			nse_words_add(&w, command, strlen(command)) < 0))
		rc = nse_error(err, -ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	rc = nse_run(w.argv, NULL, &said, SAID_MAX, nse_now_us() + SHELL_US, NULL);
	if (rc != 0 && tell_shell(p, host, r->rsh ? r->rsh : "ssh", program, rc) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	nse_problems_set_where(p, first, host);
	return 0;
}
