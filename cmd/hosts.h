/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hosts that ssh knows, for completions.
 */
#ifndef NSE_CMD_HOSTS_H
#define NSE_CMD_HOSTS_H

/*
 * Calls each() with the names in the user's and the system's known_hosts (those
 * that are hashed cannot be told), with the Host entries of their SSH configuration
 * and what it includes, and with the names in /etc/hosts. A name may come more than
 * once; a host with a port is HOST:PORT. What each() returns other than 0 ends
 * this and is returned; a file that cannot be read has no hosts.
 */
int cmd_each_host(int (*each)(void *arg, const char *name), void *arg);

#endif
