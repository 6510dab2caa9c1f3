/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can be said of a private key without using it.
 */
#ifndef NSE_TRANSPORT_KEYFILE_H
#define NSE_TRANSPORT_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSE_KEY_BLOB_MAX 4096

struct nse_keyfile {
	char type[64];	/* as "ssh-ed25519"; "" when the format does not tell */
	bool encrypted; /* with a passphrase */
	uint8_t blob[NSE_KEY_BLOB_MAX]; /* the public key, when the format tells it */
	size_t blob_len;
};

/* 0, -errno, or -EINVAL when it is no private key. */
int nse_keyfile_read(const char *path, struct nse_keyfile *k);

/* The type that stands at the beginning of a public key; false if none does. */
bool nse_key_type(const uint8_t *blob, size_t len, char type[64]);

/* Why a key of this type cannot be used through libssh2, or NULL. */
const char *nse_key_trouble(const char *type);

#endif
