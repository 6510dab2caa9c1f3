/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record of nf_tables as JSON, attribute by attribute: nothing of the record
 * is left out, and what has no name here is there in hexadecimal. Rules in
 * nft(8)'s own words are not made here. nsemig-json(5) has the members.
 */
#include <stddef.h>
#include <stdio.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/describe_private.h"
#include "lib/engine/nft/key_text.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/words.h"

/* The types that a comment has in nft(8)'s userdata. */
static const uint8_t any_comment = 0, set_comment = 7;

#define END                                                                              \
	{                                                                                \
		0, 0, NULL, NULL                                                         \
	}

static const struct nft_shown table_rows[] = {
	{ NFTA_TABLE_FLAGS, AS_FLAGS, "flags", nft_w_table_flags },
	{ NFTA_TABLE_USERDATA, AS_COMMENT, "comment", &any_comment },
	END,
};

static const struct nft_shown object_rows[] = {
	{ NFTA_OBJ_TYPE, AS_NOTHING, "type", NULL },
	{ NFTA_OBJ_DATA, AS_OBJECT, "data", NULL },
	{ NFTA_OBJ_USERDATA, AS_COMMENT, "comment", &any_comment },
	END,
};

static const struct nft_shown chain_hook_rows[] = {
	{ NFTA_HOOK_HOOKNUM, AS_HOOK, "hook", NULL },
	{ NFTA_HOOK_PRIORITY, AS_SIGNED, "priority", NULL },
	{ NFTA_HOOK_DEV, AS_TEXT, "device", NULL },
	{ NFTA_HOOK_DEVS, AS_NAMES, "devices", NULL },
	END,
};

static const struct nft_shown chain_counter_rows[] = {
	{ NFTA_COUNTER_BYTES, AS_VALUE, "bytes", NULL },
	{ NFTA_COUNTER_PACKETS, AS_VALUE, "packets", NULL },
	END,
};

static const struct nft_shown chain_rows[] = {
	{ NFTA_CHAIN_TYPE, AS_TEXT, "type", NULL },
	{ NFTA_CHAIN_HOOK, AS_FIELDS, "hook", chain_hook_rows },
	{ NFTA_CHAIN_POLICY, AS_WORD, "policy", nft_w_policy },
	{ NFTA_CHAIN_COUNTERS, AS_FIELDS, "counters", chain_counter_rows },
	{ NFTA_CHAIN_FLAGS, AS_FLAGS, "flags", nft_w_chain_flags },
	{ NFTA_CHAIN_USERDATA, AS_COMMENT, "comment", &any_comment },
	END,
};

static const struct nft_shown flowtable_hook_rows[] = {
	{ NFTA_FLOWTABLE_HOOK_NUM, AS_NUMBER, "hook_number", NULL },
	{ NFTA_FLOWTABLE_HOOK_PRIORITY, AS_SIGNED, "priority", NULL },
	{ NFTA_FLOWTABLE_HOOK_DEVS, AS_NAMES, "devices", NULL },
	END,
};

static const struct nft_shown flowtable_rows[] = {
	{ NFTA_FLOWTABLE_HOOK, AS_FIELDS, "hook", flowtable_hook_rows },
	{ NFTA_FLOWTABLE_FLAGS, AS_FLAGS, "flags", nft_w_flowtable_flags },
	END,
};

static const struct nft_shown desc_rows[] = {
	{ NFTA_SET_DESC_SIZE, AS_NUMBER, "size", NULL },
	{ NFTA_SET_DESC_CONCAT, AS_LENGTHS, "field_lens", NULL },
	END,
};

static const struct nft_shown set_rows[] = {
	{ NFTA_SET_FLAGS, AS_FLAGS, "flags", nft_w_set_flags },
	{ NFTA_SET_KEY_TYPE, AS_TYPES, "key_type", NULL },
	{ NFTA_SET_KEY_LEN, AS_NUMBER, "key_len", NULL },
	{ NFTA_SET_DATA_TYPE, AS_TYPES, "data_type", NULL },
	{ NFTA_SET_DATA_LEN, AS_NUMBER, "data_len", NULL },
	{ NFTA_SET_OBJ_TYPE, AS_WORD, "objects", nft_w_objtype },
	{ NFTA_SET_POLICY, AS_WORD, "policy", nft_w_set_policy },
	{ NFTA_SET_DESC, AS_FIELDS, "desc", desc_rows },
	{ NFTA_SET_TIMEOUT, AS_NUMBER, "timeout_ms", NULL },
	{ NFTA_SET_GC_INTERVAL, AS_NUMBER, "gc_interval_ms", NULL },
	{ NFTA_SET_EXPR, AS_EXPR, "expressions", NULL },
	{ NFTA_SET_EXPRESSIONS, AS_EXPRS, "expressions", NULL },
	{ NFTA_SET_USERDATA, AS_COMMENT, "comment", &set_comment },
	END,
};

static const struct nft_shown element_rows[] = {
	{ NFTA_SET_ELEM_FLAGS, AS_FLAGS, "flags", nft_w_element_flags },
	{ NFTA_SET_ELEM_DATA, AS_DATA, "data", NULL },
	{ NFTA_SET_ELEM_OBJREF, AS_TEXT, "object", NULL },
	{ NFTA_SET_ELEM_TIMEOUT, AS_NUMBER, "timeout_ms", NULL },
	{ NFTA_SET_ELEM_EXPR, AS_EXPR, "expressions", NULL },
	{ NFTA_SET_ELEM_EXPRESSIONS, AS_EXPRS, "expressions", NULL },
	{ NFTA_SET_ELEM_USERDATA, AS_COMMENT, "comment", &any_comment },
	END,
};

static const struct nft_shown rule_rows[] = {
	{ NFTA_RULE_EXPRESSIONS, AS_EXPRS, "expressions", NULL },
	{ NFTA_RULE_USERDATA, AS_COMMENT, "comment", &any_comment },
	END,
};

static const struct nft_shown *const rows[NFT_TYPES] = {
	[NFT_TABLE] = table_rows, [NFT_OBJECT] = object_rows,
	[NFT_CHAIN] = chain_rows, [NFT_FLOWTABLE] = flowtable_rows,
	[NFT_SET] = set_rows,	  [NFT_ELEMENT] = element_rows,
	[NFT_RULE] = rule_rows,
};

static int describe_element(json_t *o, const struct nft_key *key, struct nse_bytes attrs)
{
	static const char *const kinds[] = {
		[NFT_ELEMENT_END] = "end",
		[NFT_ELEMENT_PLAIN] = "plain",
		[NFT_ELEMENT_RANGE] = "range",
		[NFT_ELEMENT_CATCHALL] = "catchall",
	};
	struct nft_ifnames names = { .n = 0 };
	char text[NFT_ELEMENT_TEXT];
	const char *ifname;

	nft_ifindex_split(attrs, &attrs, &names);
	ifname = nft_ifname_of(&names, key->bytes);
	nft_element_text(key, text, sizeof(text));
	return nft_json_text(o, "set", key->name) ?:
	       nft_json_set(o, "element", json_string(ifname ? ifname : text)) ?:
	       nft_json_set(o, "kind", json_string(kinds[key->kind])) ?:
	       nft_json_hex(o, "hex", key->bytes);
}

static int describe_key(json_t *o, const struct nft_key *key, struct nse_bytes attrs)
{
	int rc = nft_json_set(o, "family", json_string(nft_family_name(key->family)))
			 ?: nft_json_text(o, "table", key->table);

	if (rc < 0 || key->type == NFT_TABLE)
		return rc;
	switch (key->type) {
	case NFT_ELEMENT:
		return describe_element(o, key, attrs);
	case NFT_RULE:
		return nft_json_text(o, "chain", key->name)
			       ?: nft_json_number(o, "number", key->rule);
	case NFT_OBJECT:
		rc = nft_json_word(o, "type", nft_word(nft_w_objtype, key->objtype),
				   key->objtype);
		/* fall through */
	default:
		return rc ?: nft_json_text(o, "name", key->name);
	}
}

/* What stands in a rule's body ahead of its attributes. */
static int describe_head(json_t *o, struct nse_bytes body)
{
	uint64_t digest = nft_rule_digest(body);
	uint32_t place = nft_rule_place(body);
	char text[32];
	int rc = 0;

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)digest);
	if (digest)
		rc = nft_json_set(o, "digest", json_string(text));
	if (rc == 0 && place != NFT_PLACE_NONE)
		rc = nft_json_number(o, "place", place);
	return rc;
}

int nft_describe(const struct nse_record *rec, json_t *key, json_t *body, json_t *state)
{
	struct nse_cur c = nse_cur(rec->state.p, rec->state.n);
	struct nse_bytes attrs, values;
	uint64_t expires;
	uint32_t order;
	struct nft_key k;
	uint8_t flags = 0;
	int rc = nft_key_decode(rec, &k, NULL);

	if (rc < 0)
		return rc;
	attrs = nft_body_attrs(k.type, rec->body);
	rc = describe_key(key, &k, attrs);
	if (rc == 0 && k.type == NFT_RULE)
		rc = describe_head(body, rec->body);
	nse_get_u8(&c, &flags);
	if (rc == 0 && (flags & NFT_STATE_EXPIRES) && nse_get_u64(&c, &expires) == 0)
		rc = nft_json_number(state, "expires_ms", expires);
	if (rc == 0 && (flags & NFT_STATE_ORDER) && nse_get_u32(&c, &order) == 0)
		rc = nft_json_number(state, "order", order);
	values = (struct nse_bytes){ c.p, nse_cur_left(&c) };
	return rc ?: nft_describe_attrs(&k, attrs, rows[k.type], values, body, state);
}
