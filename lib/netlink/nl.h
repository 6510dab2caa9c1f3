/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Netlink for netfilter through libmnl: a socket, a request with its answer,
 * a dump, and batches. Sequence numbers and port ids are checked, interrupted
 * dumps are reported as such, and the kernel's extended-ack text is part of
 * the error. Everything has a deadline, since a kernel that does not answer
 * must not hang a migration.
 */
#ifndef NSE_NETLINK_NL_H
#define NSE_NETLINK_NL_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "lib/util/error.h"

struct nse_nl;

/*
 * Opens and binds a NETLINK_NETFILTER socket with NETLINK_CAP_ACK and
 * NETLINK_EXT_ACK. rcvbuf and sndbuf are bytes (0: default), forced beyond
 * the system's limits where allowed. Freed with nse_nl_close(NULL ok).
 */
int nse_nl_open(struct nse_nl **nl, size_t rcvbuf, size_t sndbuf, struct nse_error *err);
void nse_nl_close(struct nse_nl *nl);
void nse_nl_closep(struct nse_nl **nl);

/* The socket, for poll(2). */
int nse_nl_fd(const struct nse_nl *nl);

/* Its port id: in a message of the kernel to all, that of who caused it. */
uint32_t nse_nl_portid(const struct nse_nl *nl);

/* A fresh sequence number; n consecutive ones are reserved, the first returned. */
uint32_t nse_nl_seq(struct nse_nl *nl, uint32_t n);

/* Called for each data message: 0 or -errno, which ends the exchange. */
typedef int nse_nl_cb(const struct nlmsghdr *nlh, void *arg);

/*
 * Sends one request (its nlmsg_seq is set here; NLM_F_ACK is added unless it
 * is a dump) and hands every data message of the answer to cb (may be NULL).
 * Returns 0, the kernel's -errno (no text set for -ENOENT, -EEXIST and
 * -EBUSY: the caller knows what they mean), -EINTR for a dump that the kernel
 * marked NLM_F_DUMP_INTR (all data was delivered: reset and repeat), -ENOBUFS
 * or -ETIMEDOUT.
 */
int nse_nl_talk(struct nse_nl *nl, struct nlmsghdr *req, nse_nl_cb *cb, void *arg,
		struct nse_error *err);

/* The outcome of message `index` of a batch: code 0 or -errno; text is the
 * kernel's extended ack or "". */
typedef void nse_nl_batch_cb(void *arg, uint32_t index, int code, const char *text);

/*
 * Sends n messages that lie one behind the other in bytes[0 … len) with one
 * sendmsg(), waits for the answer to the last one (which must have NLM_F_ACK
 * or be a GET) and calls `each` for every answer: errors, acks, and through
 * `data` (may be NULL) data messages. Messages without an answer succeeded.
 * The sequence number of message i is first_seq + i. -ENOBUFS when answers
 * were lost: then nothing is known and the caller reads back.
 */
int nse_nl_batch(struct nse_nl *nl, const void *bytes, size_t len, uint32_t first_seq,
		 uint32_t n, nse_nl_batch_cb *each, nse_nl_cb *data, void *arg,
		 struct nse_error *err);

/*
 * Joins a multicast group: from now on what the kernel tells it is queued here,
 * within rcvbuf. Such a socket is for listening only. 0 or -errno with a text.
 */
int nse_nl_join(struct nse_nl *nl, unsigned int group, struct nse_error *err);

/*
 * Takes one datagram off the queue without waiting, and hands its messages to cb.
 * 1; 0 when the queue is empty; -ENOBUFS when the kernel had no room for some
 * message since the last call (what is queued is still to be had); or -errno, also
 * that of cb. No text is set.
 */
int nse_nl_take(struct nse_nl *nl, nse_nl_cb *cb, void *arg);

#endif
