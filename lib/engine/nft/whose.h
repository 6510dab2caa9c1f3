/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose an interface, a MAC or an address is: an index over the domain in
 * question and all others of the host. Interfaces are found by their name or
 * with "-emu" behind it (the emulated twin of a Xen vif). A name of the form
 * vif5.0 or tap5.0 is somebody's, even when it is not known whose.
 *
 * What is compared counts by how sure it tells the owner: an interface or a
 * MAC is one domain's, whereas an address also stands in rules of those who
 * talk to it. So `iifname vif5.0 ip daddr 10.0.0.6` is a rule of vif5.0's
 * domain, and none of 10.0.0.6's.
 */
#ifndef NSE_ENGINE_NFT_WHOSE_H
#define NSE_ENGINE_NFT_WHOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/nft/walk.h"
#include "lib/util/buf.h"
#include "lib/util/domain.h"

enum nft_whose { /* NFT_BOTH is NFT_MINE | NFT_OTHERS */
		 NFT_NOBODYS,
		 NFT_MINE,
		 NFT_OTHERS,
		 NFT_BOTH,
};

enum nft_level { /* in rising order */
		 NFT_LEVEL_NONE,
		 NFT_LEVEL_ADDRESS,
		 NFT_LEVEL_MAC,
		 NFT_LEVEL_VIF,
};

/* A name or an address as it is compared. */
struct nft_value {
	uint8_t kind;	   /* NFT_SITE_IFNAME, _IFINDEX, _MAC, _IP4 or _IP6 */
	uint8_t bytes[16]; /* zeros behind it */
};

struct nft_owners {
	struct nft_owned *slots; /* owned */
	size_t size;		 /* a power of two */
	bool live;		 /* numbers of interfaces are this host's */
	struct nse_buf rule;	 /* for nft_match_rule() */
};

/*
 * mine or others may be NULL. What both have is the domain's. With live,
 * numbers of interfaces are looked up in our network namespace; else they are
 * those that stand in records (ifindex.h). 0 or -ENOMEM.
 */
int nft_owners_init(struct nft_owners *o, const struct nse_domain *mine,
		    const struct nse_domain *others, bool live);
void nft_owners_release(struct nft_owners *o);

/*
 * A record names an interface for its number: a number that more than one name
 * has says nothing.
 */
void nft_owners_note_index(struct nft_owners *o, const char *name);

/* Whose the value is; `level` gets how sure that tells it. */
enum nft_whose nft_owners_find(const struct nft_owners *o, const struct nft_value *v,
			       uint8_t *level);

/*
 * Does a site compare something by equality that may have an owner? Then *v is
 * what. `live` is that of the owners.
 */
bool nft_site_value(const struct nft_site *site, bool live, struct nft_value *v);

/* "vif5.0", "00:16:3e:00:00:0a", "10.0.0.5". */
void nft_value_text(const struct nft_value *v, char *text, size_t n);

#endif
