/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks into private key files: libssh2 only says "cannot", and the user
 * wants to hear that the key is RSA, or locked by a passphrase.
 */
#include "lib/transport/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/transport/base64.h"
#include "lib/util/buf.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define KEYFILE_MAX   (64u << 10)
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC "openssh-key-v1" /* with its NUL */

/* The older formats, told by their first line. */
static const struct {
	const char *begin;
	const char *type;
} pem[] = {
	{ "-----BEGIN RSA PRIVATE KEY-----", "ssh-rsa" },
	{ "-----BEGIN DSA PRIVATE KEY-----", "ssh-dss" },
	{ "-----BEGIN EC PRIVATE KEY-----", "" },
	{ "-----BEGIN PRIVATE KEY-----", "" },
	{ "-----BEGIN ENCRYPTED PRIVATE KEY-----", "" },
};

const char *nse_key_trouble(const char *type)
{
	if (strstr(type, "-cert-"))
		return "a certificate";
	if (strcmp(type, "ssh-ed25519") == 0 || strncmp(type, "ecdsa-sha2-", 11) == 0 ||
	    type[0] == '\0')
		return NULL;
	if (strcmp(type, "ssh-rsa") == 0)
		return "RSA, which libssh2 signs with SHA-1 only and current servers refuse";
	if (strncmp(type, "sk-", 3) == 0)
		return "a key in a security token";
	return "a type that libssh2 does not know";
}

static int get_string(struct nse_cur *c, const uint8_t **p, uint32_t *len)
{
	if (nse_get_u32(c, len) < 0)
		return -EBADMSG;
	return nse_get_bytes(c, *len, p);
}

bool nse_key_type(const uint8_t *blob, size_t len, char type[64])
{
	struct nse_cur c = nse_cur(blob, len);
	const uint8_t *p;
	uint32_t n;

	if (get_string(&c, &p, &n) < 0 || n == 0 || n >= 64)
		return false;
	memcpy(type, p, n);
	type[n] = '\0';
	return true;
}

/* cipher, kdf name, kdf options, number of keys, the first public key, … */
static int parse_openssh(const char *text, struct nse_keyfile *k)
{
	size_t len = strlen(text), n;
	NSE_FREE uint8_t *bin = malloc(len + 1);
	const uint8_t *cipher, *p;
	uint32_t cipher_len, m;
	struct nse_cur c;

	if (!bin)
		return -ENOMEM;
	n = nse_base64_decode(text, len, bin, len);
	c = nse_cur(bin, n);
	if (nse_get_bytes(&c, sizeof(OPENSSH_MAGIC), &p) < 0 ||
	    memcmp(p, OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC)) != 0 ||
	    get_string(&c, &cipher, &cipher_len) < 0 || get_string(&c, &p, &m) < 0 ||
	    get_string(&c, &p, &m) < 0 || nse_get_u32(&c, &m) < 0 || m != 1 ||
	    get_string(&c, &p, &m) < 0 || m > sizeof(k->blob))
		return -EINVAL;
	k->encrypted = cipher_len != 4 || memcmp(cipher, "none", 4) != 0;
	memcpy(k->blob, p, m);
	k->blob_len = m;
	return nse_key_type(k->blob, m, k->type) ? 0 : -EINVAL;
}

static int parse(const char *text, struct nse_keyfile *k)
{
	const char *begin = strstr(text, OPENSSH_BEGIN);

	if (begin)
		return parse_openssh(begin + strlen(OPENSSH_BEGIN), k);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(pem); i++) {
		if (!strstr(text, pem[i].begin))
			continue;
		memcpy(k->type, pem[i].type, strlen(pem[i].type) + 1);
		k->encrypted = strstr(text, "ENCRYPTED") != NULL;
		return 0;
	}
	return -EINVAL;
}

int nse_keyfile_read(const char *path, struct nse_keyfile *k)
{
	NSE_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	NSE_FREE char *text = NULL;
	ssize_t n;
	int rc;

	memset(k, 0, sizeof(*k));
	if (fd < 0)
		return -errno;
	text = malloc(KEYFILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	n = nse_read_full(fd, text, KEYFILE_MAX, NSE_FOREVER);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	rc = parse(text, k);
	explicit_bzero(text, KEYFILE_MAX);
	return rc;
}
