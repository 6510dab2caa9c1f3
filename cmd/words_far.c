/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The domains of another host, for completions. A process of its own asks for
 * them: without a terminal nothing can ask the user for a password, and it can be
 * ended whatever it waits for.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/words.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "lib/util/proc.h"

#define ASK_US	  2000000 /* for all of it */
#define END_US	  1000000 /* for taking down what carries the link */
#define NAMES_MAX 65536	  /* bytes */

/* What comes from there goes into command lines here: no shell may mind it. */
static bool is_fine(const char *name)
{
	return name[0] && name[0] != '-' && strlen(name) < NSE_DOMAIN_NAME_MAX &&
	       name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789._+-")] == '\0';
}

/* All that the host says, or an error. */
static int ask(const struct nse_link_spec *spec, char text[NAMES_MAX],
	       struct nse_error *err)
{
	int64_t deadline = nse_now_us() + ASK_US;
	struct nse_link link;
	ssize_t n;
	int rc = nse_link_open(&link, spec, err);

	if (rc < 0)
		return rc;
	nse_link_shutdown(&link);
	n = nse_read_full(link.fd, text, NAMES_MAX - 1, deadline);
	if (n < 0) {
		nse_link_close(&link);
		return nse_errno(err, (int)n, "the domains of %s", spec->target.host);
	}
	text[n] = '\0';
	rc = nse_link_finish(&link, deadline);
	if (rc != 0)
		return nse_error(err, -EREMOTEIO,
				 "%s does not tell its domains (status %d)",
				 spec->target.host, rc);
	return 0;
}

/* In the child. */
static int tell(const char *target)
{
	NSE_CLEANUP(cmd_remote_release) struct cmd_remote remote = { .rsh = NULL };
	struct nse_error err = { 0 };
	struct nse_link_spec spec;
	char text[NAMES_MAX], *rest = text, *name;

	setsid();
	setenv("SSH_ASKPASS_REQUIRE", "never", 1);
	if (cmd_remote_defaults(&remote, target, &err) < 0 ||
	    cmd_remote_spec(&remote, target, "help --domains", &spec, &err) < 0)
		return cmd_fail(&err);
	spec.connect_timeout_us = ASK_US;
	if (ask(&spec, text, &err) < 0)
		return cmd_fail(&err);
	while ((name = strsep(&rest, "\n")))
		if (is_fine(name))
			printf("%s\n", name);
	return fflush(stdout) ? CMD_FAILED : CMD_DONE;
}

int cmd_words_domains_at(const char *target)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(tell(target));
	status = pid < 0 ? -errno : nse_wait_child(pid, nse_now_us() + ASK_US + END_US);
	if (status == -ETIMEDOUT) {
		kill(-pid, SIGKILL);
		nse_wait_child(pid, NSE_FOREVER);
	}
	if (status >= 0)
		return status;
	fprintf(stderr, "nsemig: help: %s does not tell its domains: %s\n", target,
		strerror(-status));
	return CMD_FAILED;
}
