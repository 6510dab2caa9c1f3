/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the walk (walk.h), shared between its files: what a walk knows
 * while it goes, the registers, and the writing of attributes.
 */
#ifndef NSE_ENGINE_NFT_WALK_PRIVATE_H
#define NSE_ENGINE_NFT_WALK_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/walk.h"

/* Meanings beside those of enum nft_site_kind. */
enum {
	MEAN_NFPROTO = 240,   /* tells which network header the rule is about */
	MEAN_ETHERTYPE,	      /* likewise */
	MEAN_ADDR,	      /* an address of either family: its length tells */
	MEAN_MAYBE_NAME,      /* goes into a set of unknown type */
	MEAN_NONE = NFT_PLAIN /* no meaning */
};

#define NFT_REG_BYTES  64
#define NFT_IMMEDIATES 128 /* as many as a rule may have expressions */
#define NFT_WALK_DEPTH 8   /* expressions in expressions */
#define NFT_AT_MAX     16  /* attribute types of an expression that count */

/* What one byte of the registers is. */
struct nft_mean {
	uint8_t kind; /* MEAN_* or enum nft_site_kind */
	uint8_t off;  /* the how manieth byte of the field */
	uint8_t mask; /* the bits that are left of it */
	uint8_t imm;  /* 1 + number of the immediate it comes from, or 0 */
};

/* The network header that the rule is about. */
enum nft_l3 {
	NFT_L3_ANY,
	NFT_L3_IP4,
	NFT_L3_IP6,
	NFT_L3_ARP,
};

struct nft_walker {
	nft_site_cb *cb;
	void *arg;
	struct nse_buf *out; /* NULL: only looks */
	const struct nft_layout *layout;
	bool ordered;		/* the bytes are a key of a set of intervals */
	struct nse_bytes other; /* the other half of the range; empty: there is none */
	uint8_t l3;		/* enum nft_l3 */
	uint8_t depth;
	bool names;	  /* nothing that registers tell: regs, imm … have no value */
	unsigned int imm; /* immediates passed so far */
	struct nft_mean regs[NFT_REG_BYTES];
	uint8_t imm_kind[NFT_IMMEDIATES]; /* what their consumers take them for */
};

/* An attribute with its type as it stands there (with the two top bits). */
struct nft_in {
	uint16_t raw, type;
	struct nse_bytes data;
};

/* An attribute's handler: it writes the attribute as well. */
typedef int nft_in_fn(struct nft_walker *w, const struct nft_in *a, const void *ctx);

/* walk_out.c */
int nft_walk_next(struct nse_cur *c, struct nft_in *a);
int nft_walk_copy(struct nft_walker *w, const struct nft_in *a);
int nft_walk_list(struct nft_walker *w, struct nse_bytes list, nft_in_fn *fn,
		  const void *ctx);
int nft_walk_nested(struct nft_walker *w, const struct nft_in *a, nft_in_fn *fn,
		    const void *ctx);
/* The whole payload is a site; a name's NUL is kept. */
int nft_walk_site(struct nft_walker *w, const struct nft_in *a, struct nft_site *site);
int nft_walk_name(struct nft_walker *w, const struct nft_in *a, enum nft_site_kind kind);
/*
 * Bytes of which each has a meaning; `sizes` says that a site that is all of
 * them may change its size.
 */
int nft_walk_bytes(struct nft_walker *w, struct nse_bytes bytes,
		   const struct nft_mean *mean, enum nft_site_op op, bool sizes);
/* The same as the payload of an attribute. */
int nft_walk_value(struct nft_walker *w, const struct nft_in *a,
		   const struct nft_mean *mean, enum nft_site_op op, bool sizes);
/* The bytes of a field that begins at `mean`, of at most n bytes. */
size_t nft_mean_run(const struct nft_mean *mean, size_t n);

/* walk_regs.c */
int nft_reg_offset(uint32_t reg); /* in bytes; -1: no data register */
void nft_regs_clear(struct nft_walker *w, uint32_t reg, size_t n);
void nft_regs_load(struct nft_walker *w, uint32_t reg, uint8_t kind, size_t n);
void nft_regs_payload(struct nft_walker *w, uint32_t reg, uint32_t base, uint32_t off,
		      uint32_t len);
/* The meaning of n bytes of a packet's header. */
void nft_payload_means(uint8_t l3, uint32_t base, uint32_t off, uint32_t len,
		       struct nft_mean *mean, size_t n);
/* n means from a register on; behind the last register there is none. */
void nft_regs_get(const struct nft_walker *w, uint32_t reg, struct nft_mean *mean,
		  size_t n);
/* What takes the register's content takes it for that. */
void nft_regs_consume(struct nft_walker *w, uint32_t reg, uint8_t kind);

/* walk_effect.c: what an expression does to the registers. */
void nft_effect(struct nft_walker *w, struct nse_bytes name, struct nse_bytes data);

/* walk_expr.c */
int nft_walk_exprs(struct nft_walker *w, const struct nft_in *a, bool rule);
int nft_walk_expr(struct nft_walker *w, const struct nft_in *a);
int nft_walk_data(struct nft_walker *w, const struct nft_in *a,
		  const struct nft_mean *mean, enum nft_site_op op, bool sizes);
/* The attributes of the data of a counter, a quota or the like. */
nft_in_fn *nft_walk_values_of(uint32_t objtype);

/* walk_xt.c: the info of a match or target. */
int nft_walk_xt(struct nft_walker *w, const struct nft_in *a, struct nse_bytes name,
		uint32_t rev);

/* walk_elem.c */
int nft_walk_element(struct nft_walker *w, struct nse_bytes attrs);

#endif
