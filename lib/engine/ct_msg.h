/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conntrack entries and ctnetlink messages, both ways, straight on the
 * attributes: the hot path of the engine.
 */
#ifndef NSE_ENGINE_CT_MSG_H
#define NSE_ENGINE_CT_MSG_H

#include <linux/netlink.h>

#include "lib/engine/ct_entry.h"

#define CT_MSG_MAX 1024 /* no message that is built here is longer */

/* The remaining seconds that an entry may be given: 0 would be dead on arrival, and
 * the upper end is what fits a kernel's jiffies at 250 Hz. */
#define CT_TIMEOUT_MIN 1u
#define CT_TIMEOUT_MAX 8589934u

/*
 * Reads a message of type IPCTNL_MSG_CT_NEW. 0, -EBADMSG, or -EAGAIN for an
 * entry that is not to be collected: not yet confirmed, or dying.
 */
int ct_msg_parse(const struct nlmsghdr *nlh, struct ct_entry *e);

/*
 * Reads what identifies the entry that a message of any type is about, events of
 * its end included: protocols, zones and both tuples. 0 or -EBADMSG.
 */
int ct_msg_parse_key(const struct nlmsghdr *nlh, struct ct_entry *e);

/*
 * Each builds one message at buf (CT_MSG_MAX bytes, aligned to 4) without a
 * sequence number and without NLM_F_ACK, and returns its length, which is a
 * multiple of 4.
 */

/* CREATE|EXCL. liberal: with BE_LIBERAL in both directions of TCP. */
size_t ct_msg_create(void *buf, const struct ct_entry *e, bool liberal);

/* GET by a tuple in the given direction of e's zones. */
size_t ct_msg_get(void *buf, const struct ct_entry *e, const struct ct_tuple *t,
		  bool reply);

/* GET of the entry's master. */
size_t ct_msg_get_master(void *buf, const struct ct_entry *e);

/* DELETE by original tuple and the kernel's id. */
size_t ct_msg_delete(void *buf, const struct ct_entry *e, uint32_t id);

/* An update that clears TCP flags, mask[0] in the original direction. */
size_t ct_msg_clear_flags(void *buf, const struct ct_entry *e, const uint8_t mask[2]);

/* The same, and with a timeout that is not 0 it sets the remaining seconds, too. */
size_t ct_msg_settle(void *buf, const struct ct_entry *e, uint32_t timeout,
		     const uint8_t mask[2]);

/* An update that changes nothing, and of which listeners are told all the same. */
size_t ct_msg_touch(void *buf, const struct ct_entry *e);

/* A dump: family 0, AF_INET or AF_INET6. */
size_t ct_msg_dump(void *buf, uint8_t family);

/* A dump of the entries whose tuple has that source, filtered by the kernel. */
size_t ct_msg_dump_source(void *buf, uint8_t family, const uint8_t *addr, bool reply);

/* A dump with a filter that every kernel that knows filters refuses (EINVAL). */
size_t ct_msg_dump_probe(void *buf);

#endif
