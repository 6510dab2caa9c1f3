/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hosts for the completion.
 */
#ifndef NSE_CMD_SHELL_HOSTS_H
#define NSE_CMD_SHELL_HOSTS_H

#include "cmd/shell_context.h"

/* Adds the hosts of known_hosts, of SSH's configuration and of /etc/hosts. */
int shell_hosts(struct shell_argv *out);

#endif
