/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to do about an object that a host would refuse, as commands of nft(8).
 */
#include "lib/engine/nft/preflight_mend.h"

#include <errno.h>
#include <stdio.h>

#include "lib/engine/nft/object.h"

/* What nft(8) can list: the thing itself, or what it lies in. */
static void listable(const struct nft_key *key, char *text, size_t n)
{
	struct nft_key k = *key;

	k.need = false;
	if (k.type == NFT_RULE) {
		k.type = NFT_CHAIN;
	} else if (k.type == NFT_ELEMENT || k.type == NFT_SET) {
		/* A key does not tell sets from maps, and nft asks for the word. */
		k.type = NFT_TABLE;
		k.name = (struct nse_bytes){ NULL, 0 };
	}
	nft_key_text(&k, text, n);
}

static void missing(const struct nft_key *key, const char *what, char *out)
{
	if (key->type == NFT_TABLE)
		snprintf(out, NFT_MEND, "nft add %s", what);
	else
		snprintf(
			out, NFT_MEND,
			"nft list %s >FILE on the source, and nft -f FILE here, or carry "
			"it along with --carry-shared",
			what);
}

static void exists(const struct nft_key *key, const char *what, char *out)
{
	if (key->need)
		snprintf(out, NFT_MEND, "nft list %s on both hosts, and make them alike",
			 what);
	else if (key->type == NFT_RULE)
		snprintf(out, NFT_MEND,
			 "nft -a list %s, and nft delete rule … handle N here", what);
	else if (key->type == NFT_CHAIN)
		snprintf(out, NFT_MEND, "nft 'flush %s; delete %s' here", what, what);
	else if (key->type == NFT_SET || key->type == NFT_ELEMENT)
		snprintf(out, NFT_MEND, "nft list %s, and remove what is in the way here",
			 what);
	else
		snprintf(out, NFT_MEND, "nft delete %s here", what);
}

const char *nft_preflight_mend(const struct nse_job *job, const struct nse_refusal *r,
			       char out[NFT_MEND])
{
	struct nse_record rec;
	struct nft_key key;
	char what[300];

	out[0] = '\0';
	if (!nse_context_at(job->ctx, r->slot, &rec) ||
	    nft_key_decode(&rec, &key, NULL) < 0)
		return out;
	listable(&key, what, sizeof(what));
	if (r->code == -ENOENT && key.need)
		missing(&key, what, out);
	else if (r->code == -EEXIST)
		exists(&key, what, out);
	return out;
}
