/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations and ctnetlink messages, both ways.
 */
#ifndef NSE_ENGINE_EXPECT_MSG_H
#define NSE_ENGINE_EXPECT_MSG_H

#include <libmnl/libmnl.h>

#include "lib/engine/expect_row.h"

#define NSE_EXPECT_MSG_MAX 2048 /* no message that is built here is longer */

/*
 * Reads a message of type IPCTNL_MSG_EXP_NEW. 0 or -EBADMSG. Zones and the
 * reply source of the master are not in it and stay zero.
 */
int nse_expect_msg_parse(const struct nlmsghdr *nlh, struct nse_expect *e);

/*
 * Each builds one message at buf (NSE_EXPECT_MSG_MAX bytes, aligned to 4)
 * without a sequence number.
 */
struct nlmsghdr *nse_expect_msg_dump(void *buf);

/* A dump of those that have the same master. */
struct nlmsghdr *nse_expect_msg_dump_of(void *buf, const struct nse_expect *e);

/* By tuple and zone, and by the kernel's id unless it is 0. */
struct nlmsghdr *nse_expect_msg_get(void *buf, const struct nse_expect *e);
struct nlmsghdr *nse_expect_msg_delete(void *buf, const struct nse_expect *e);

/* The kernel multiplies seconds into 32 bits of jiffies, at up to 1000 a second. */
#define NSE_EXPECT_TIMEOUT_MAX (INT32_MAX / 1000)

/* CREATE|EXCL. The kernel takes no timeout here: an update has to follow. */
struct nlmsghdr *nse_expect_msg_create(void *buf, const struct nse_expect *e);
struct nlmsghdr *nse_expect_msg_timeout(void *buf, const struct nse_expect *e);

/*
 * The helper that the expected connection gets. The kernel does not tell, but
 * it follows from the master's helper and the class. NULL for none.
 */
const char *nse_expect_child_helper(const struct nse_expect *e);

#endif
