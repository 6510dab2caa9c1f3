/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Members of JSON objects from bytes that need not be text.
 */
#include <errno.h>
#include <stdio.h>

#include "lib/engine/nft/describe_private.h"

int nft_json_set(json_t *o, const char *name, json_t *value)
{
	return json_object_set_new(o, name, value) < 0 ? -ENOMEM : 0;
}

/* JSON's integers end at 2^63 here; what is above is text. */
int nft_json_number(json_t *o, const char *name, uint64_t v)
{
	char text[32];

	if (v <= INT64_MAX)
		return nft_json_set(o, name, json_integer((json_int_t)v));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return nft_json_set(o, name, json_string(text));
}

/* What is no UTF-8 is shown with \xNN for each byte that is not plain ASCII. */
static json_t *escaped(struct nse_bytes text)
{
	struct nse_buf b = NSE_BUF_INIT(4 * text.n);
	json_t *s = NULL;
	char one[8];

	for (size_t i = 0; i < text.n; i++) {
		bool plain = text.p[i] >= ' ' && text.p[i] < 0x7f;
		int n = snprintf(one, sizeof(one), plain ? "%c" : "\\x%02x", text.p[i]);

		if (nse_buf_put(&b, one, (size_t)n) < 0)
			goto out;
	}
	s = json_stringn((char *)b.data, b.len);
out:
	nse_buf_release(&b);
	return s;
}

int nft_json_text(json_t *o, const char *name, struct nse_bytes text)
{
	json_t *s = json_stringn(text.n ? (const char *)text.p : "", text.n);

	return nft_json_set(o, name, s ? s : escaped(text));
}

int nft_json_hex(json_t *o, const char *name, struct nse_bytes bytes)
{
	struct nse_buf b = NSE_BUF_INIT(2 * bytes.n + 1);
	char digits[3];
	int rc = nse_buf_reserve(&b, 2 * bytes.n + 1);

	for (size_t i = 0; i < bytes.n && rc == 0; i++) {
		snprintf(digits, sizeof(digits), "%02x", bytes.p[i]);
		rc = nse_buf_put(&b, digits, 2);
	}
	if (rc == 0)
		rc = nft_json_set(o, name, json_stringn((char *)b.data, b.len));
	nse_buf_release(&b);
	return rc < 0 ? -ENOMEM : 0;
}

int nft_json_word(json_t *o, const char *name, const char *word, uint64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return nft_json_set(o, name, json_string(word ? word : text));
}
