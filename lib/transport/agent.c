/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two questions that a login has for ssh-agent (draft-miller-ssh-agent):
 *
 *	REQUEST_IDENTITIES            -> IDENTITIES_ANSWER  n { key, comment }
 *	SIGN_REQUEST key, data, flags -> SIGN_RESPONSE      signature
 */
#include "lib/transport/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/transport/keyfile.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define AGENT_MAX (256u << 10) /* as OpenSSH's */

enum {
	REQUEST_IDENTITIES = 11,
	IDENTITIES_ANSWER = 12,
	SIGN_REQUEST = 13,
	SIGN_RESPONSE = 14,
};

static int get_string(struct nse_cur *c, const uint8_t **p, uint32_t *len)
{
	if (nse_get_u32(c, len) < 0)
		return -EBADMSG;
	return nse_get_bytes(c, *len, p);
}

static int put_string(struct nse_buf *b, const void *p, size_t len)
{
	int rc = nse_buf_put_u32(b, (uint32_t)len);

	return rc < 0 ? rc : nse_buf_put(b, p, len);
}

/* Sends a request and reads the answer into b. 0 or -errno. */
static int ask(struct nse_agent *a, struct nse_buf *request, struct nse_buf *answer)
{
	uint8_t head[4];
	uint32_t len;
	ssize_t n;
	int rc;

	nse_st32(head, (uint32_t)request->len);
	rc = nse_write_full(a->fd, head, sizeof(head), a->deadline_us);
	if (rc == 0)
		rc = nse_write_full(a->fd, request->data, request->len, a->deadline_us);
	if (rc < 0)
		return rc;
	n = nse_read_full(a->fd, head, sizeof(head), a->deadline_us);
	if (n < (ssize_t)sizeof(head))
		return n < 0 ? (int)n : -EPIPE;
	len = nse_ld32(head);
	if (len == 0 || len > AGENT_MAX)
		return -EBADMSG;
	nse_buf_reset(answer);
	rc = nse_buf_reserve(answer, len);
	if (rc < 0)
		return rc;
	n = nse_read_full(a->fd, answer->data, len, a->deadline_us);
	if (n < (ssize_t)len)
		return n < 0 ? (int)n : -EPIPE;
	answer->len = len;
	return 0;
}

static int connect_agent(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

int nse_agent_open(struct nse_agent *a, const char *path, int64_t deadline_us)
{
	uint8_t type = REQUEST_IDENTITIES;
	struct nse_buf request = { &type, 1, 1, 1 };
	int rc;

	*a = (struct nse_agent){ .deadline_us = deadline_us,
				 .list = NSE_BUF_INIT(AGENT_MAX) };
	a->fd = connect_agent(path);
	if (a->fd < 0)
		return a->fd;
	rc = ask(a, &request, &a->list);
	if (rc < 0)
		return rc;
	nse_agent_rewind(a);
	return a->list.data[0] == IDENTITIES_ANSWER ? 0 : -EACCES;
}

void nse_agent_release(struct nse_agent *a)
{
	if (a->fd >= 0)
		close(a->fd);
	nse_buf_release(&a->list);
	*a = (struct nse_agent){ .fd = -1 };
}

void nse_agent_rewind(struct nse_agent *a)
{
	uint8_t type = 0;

	a->next = nse_cur(a->list.data, a->list.len);
	a->left = 0;
	if (a->list.len == 0 || nse_get_u8(&a->next, &type) < 0 ||
	    type != IDENTITIES_ANSWER)
		return;
	if (nse_get_u32(&a->next, &a->left) < 0)
		a->left = 0;
}

bool nse_agent_next(struct nse_agent *a, struct nse_agent_key *k)
{
	const uint8_t *comment;
	uint32_t len, n;

	if (a->left == 0)
		return false;
	a->left--;
	if (get_string(&a->next, &k->blob, &len) < 0 ||
	    get_string(&a->next, &comment, &n) < 0 ||
	    !nse_key_type(k->blob, len, k->type)) {
		a->left = 0;
		return false;
	}
	k->len = len;
	snprintf(k->comment, sizeof(k->comment), "%.*s", (int)n, (const char *)comment);
	for (char *p = k->comment; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return true;
}

/* SIGN_RESPONSE, string of { string algorithm, string signature } */
static int take_signature(const struct nse_buf *answer, uint8_t **sig, size_t *sig_len)
{
	struct nse_cur c = nse_cur(answer->data, answer->len);
	const uint8_t *p;
	uint32_t len;
	uint8_t type;

	if (nse_get_u8(&c, &type) < 0 || type != SIGN_RESPONSE)
		return -EACCES;
	if (get_string(&c, &p, &len) < 0)
		return -EBADMSG;
	c = nse_cur(p, len);
	if (get_string(&c, &p, &len) < 0 || get_string(&c, &p, &len) < 0 || len == 0)
		return -EBADMSG;
	*sig = malloc(len);
	if (!*sig)
		return -ENOMEM;
	memcpy(*sig, p, len);
	*sig_len = len;
	return 0;
}

int nse_agent_sign(struct nse_agent *a, const struct nse_agent_key *k, const void *data,
		   size_t len, uint8_t **sig, size_t *sig_len)
{
	struct nse_buf request = NSE_BUF_INIT(AGENT_MAX);
	struct nse_buf answer = NSE_BUF_INIT(AGENT_MAX);
	int rc = nse_buf_put_u8(&request, SIGN_REQUEST);

	if (rc == 0)
		rc = put_string(&request, k->blob, k->len);
	if (rc == 0)
		rc = put_string(&request, data, len);
	if (rc == 0)
		rc = nse_buf_put_u32(&request, 0);
	if (rc == 0)
		rc = ask(a, &request, &answer);
	if (rc == 0)
		rc = take_signature(&answer, sig, sig_len);
	nse_buf_release(&request);
	nse_buf_release(&answer);
	return rc;
}
