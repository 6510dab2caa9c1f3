/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig xl-gate SOCKET -- RSH [ARG...] HOST xl migrate-receive [...]: what
 * `nsemig migrate` hands to `xl migrate -s`. Not for users: it makes sense
 * only as a child of such an xl.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/platform/xl_gate.h"

int cmd_xl_gate(int argc, char **argv)
{
	struct nse_error err = { 0 };
	int status;

	if (argc < 4 || strcmp(argv[2], "--") != 0)
		return cmd_usage_error("xl-gate", "is run by nsemig migrate only");
	status = nse_xl_gate(argv[1], argv + 3, STDIN_FILENO, STDOUT_FILENO, &err);
	if (status >= 0)
		return status;
	/* An abort is said by the one who decided it. */
	return err.code == -ECANCELED ? CMD_FAILED : cmd_fail(&err);
}
