/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The members of expressions and of the data of stateful objects. They are
 * those of the kernel, with nft(8)'s names: registers are numbers.
 */
#include <stddef.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/describe_private.h"
#include "lib/engine/nft/words.h"
#include "lib/util/cleanup.h"

/* clang-format off */
#define ROWS(table) static const struct nft_shown table[]
#define END { 0, 0, NULL, NULL }
#define NUM(attr, name) { attr, AS_NUMBER, name, NULL }
#define TEXT(attr, name) { attr, AS_TEXT, name, NULL }
#define DATA(attr, name) { attr, AS_DATA, name, NULL }
#define WORD(attr, name, words) { attr, AS_WORD, name, words }
#define FLAGS(attr, words) { attr, AS_FLAGS, "flags", words }
#define VALUE(attr, name) { attr, AS_VALUE, name, NULL }
#define SREG(attr) NUM(attr, "sreg")
#define DREG(attr) NUM(attr, "dreg")

ROWS(none) = { END };
ROWS(bitwise) = {
	SREG(NFTA_BITWISE_SREG), DREG(NFTA_BITWISE_DREG), NUM(NFTA_BITWISE_LEN, "len"),
	WORD(NFTA_BITWISE_OP, "op", nft_w_bitwise), DATA(NFTA_BITWISE_MASK, "mask"),
	DATA(NFTA_BITWISE_XOR, "xor"), DATA(NFTA_BITWISE_DATA, "data"),
	NUM(8, "sreg2"), END
};
ROWS(byteorder) = {
	SREG(NFTA_BYTEORDER_SREG), DREG(NFTA_BYTEORDER_DREG),
	WORD(NFTA_BYTEORDER_OP, "op", nft_w_byteorder), NUM(NFTA_BYTEORDER_LEN, "len"),
	NUM(NFTA_BYTEORDER_SIZE, "size"), END
};
ROWS(cmp) = {
	SREG(NFTA_CMP_SREG), WORD(NFTA_CMP_OP, "op", nft_w_cmp),
	DATA(NFTA_CMP_DATA, "data"), END
};
ROWS(connlimit) = {
	NUM(NFTA_CONNLIMIT_COUNT, "count"), FLAGS(NFTA_CONNLIMIT_FLAGS, nft_w_over), END
};
ROWS(counter) = {
	VALUE(NFTA_COUNTER_BYTES, "bytes"), VALUE(NFTA_COUNTER_PACKETS, "packets"), END
};
ROWS(ct) = {
	DREG(NFTA_CT_DREG), SREG(NFTA_CT_SREG), WORD(NFTA_CT_KEY, "key", nft_w_ct),
	WORD(NFTA_CT_DIRECTION, "direction", nft_w_ct_dir), END
};
ROWS(duplicate) = { NUM(NFTA_DUP_SREG_ADDR, "addr"), NUM(NFTA_DUP_SREG_DEV, "device"), END };
ROWS(dynset) = {
	TEXT(NFTA_DYNSET_SET_NAME, "set"), WORD(NFTA_DYNSET_OP, "op", nft_w_dynset),
	NUM(NFTA_DYNSET_SREG_KEY, "sreg_key"), NUM(NFTA_DYNSET_SREG_DATA, "sreg_data"),
	NUM(NFTA_DYNSET_TIMEOUT, "timeout_ms"),
	FLAGS(NFTA_DYNSET_FLAGS, nft_w_dynset_flags),
	{ NFTA_DYNSET_EXPR, AS_EXPR, "expressions", NULL },
	{ NFTA_DYNSET_EXPRESSIONS, AS_EXPRS, "expressions", NULL }, END
};
ROWS(exthdr) = {
	DREG(NFTA_EXTHDR_DREG), SREG(NFTA_EXTHDR_SREG),
	WORD(NFTA_EXTHDR_OP, "op", nft_w_exthdr), NUM(NFTA_EXTHDR_TYPE, "type"),
	NUM(NFTA_EXTHDR_OFFSET, "offset"), NUM(NFTA_EXTHDR_LEN, "len"),
	FLAGS(NFTA_EXTHDR_FLAGS, nft_w_exthdr_flags), END
};
ROWS(fib) = {
	DREG(NFTA_FIB_DREG), WORD(NFTA_FIB_RESULT, "result", nft_w_fib),
	FLAGS(NFTA_FIB_FLAGS, nft_w_fib_flags), END
};
ROWS(flow) = { TEXT(NFTA_FLOW_TABLE_NAME, "flowtable"), END };
ROWS(fwd) = {
	NUM(NFTA_FWD_SREG_DEV, "device"), NUM(NFTA_FWD_SREG_ADDR, "addr"),
	{ NFTA_FWD_NFPROTO, AS_FAMILY, "family", NULL }, END
};
ROWS(hash) = {
	SREG(NFTA_HASH_SREG), DREG(NFTA_HASH_DREG), NUM(NFTA_HASH_LEN, "len"),
	NUM(NFTA_HASH_MODULUS, "modulus"), NUM(NFTA_HASH_SEED, "seed"),
	NUM(NFTA_HASH_OFFSET, "offset"), WORD(NFTA_HASH_TYPE, "type", nft_w_hash), END
};
ROWS(immediate) = {
	DREG(NFTA_IMMEDIATE_DREG), DATA(NFTA_IMMEDIATE_DATA, "data"), END
};
ROWS(inner) = {
	NUM(1, "num"), NUM(2, "type"), NUM(3, "flags_number"), NUM(4, "header_size"),
	{ 5, AS_EXPR, "expressions", NULL }, END
};
ROWS(last) = { VALUE(NFTA_LAST_SET, "last_set"), VALUE(NFTA_LAST_MSECS, "last_ms"), END };
ROWS(limit) = {
	NUM(NFTA_LIMIT_RATE, "rate"), NUM(NFTA_LIMIT_UNIT, "per"),
	NUM(NFTA_LIMIT_BURST, "burst"), WORD(NFTA_LIMIT_TYPE, "unit", nft_w_limit),
	FLAGS(NFTA_LIMIT_FLAGS, nft_w_over), END
};
ROWS(logging) = {
	NUM(NFTA_LOG_GROUP, "group"), TEXT(NFTA_LOG_PREFIX, "prefix"),
	NUM(NFTA_LOG_SNAPLEN, "snaplen"), NUM(NFTA_LOG_QTHRESHOLD, "threshold"),
	WORD(NFTA_LOG_LEVEL, "level", nft_w_log_level),
	FLAGS(NFTA_LOG_FLAGS, nft_w_log_flags), END
};
ROWS(lookup) = {
	TEXT(NFTA_LOOKUP_SET, "set"), SREG(NFTA_LOOKUP_SREG), DREG(NFTA_LOOKUP_DREG),
	FLAGS(NFTA_LOOKUP_FLAGS, nft_w_invert), END
};
ROWS(masq) = {
	FLAGS(NFTA_MASQ_FLAGS, nft_w_nat_flags), NUM(NFTA_MASQ_REG_PROTO_MIN, "port_min"),
	NUM(NFTA_MASQ_REG_PROTO_MAX, "port_max"), END
};
ROWS(meta) = {
	WORD(NFTA_META_KEY, "key", nft_w_meta), DREG(NFTA_META_DREG),
	SREG(NFTA_META_SREG), END
};
ROWS(nat) = {
	WORD(NFTA_NAT_TYPE, "type", nft_w_nat),
	{ NFTA_NAT_FAMILY, AS_FAMILY, "family", NULL },
	NUM(NFTA_NAT_REG_ADDR_MIN, "addr_min"), NUM(NFTA_NAT_REG_ADDR_MAX, "addr_max"),
	NUM(NFTA_NAT_REG_PROTO_MIN, "port_min"), NUM(NFTA_NAT_REG_PROTO_MAX, "port_max"),
	FLAGS(NFTA_NAT_FLAGS, nft_w_nat_flags), END
};
ROWS(numgen) = {
	DREG(NFTA_NG_DREG), NUM(NFTA_NG_MODULUS, "modulus"),
	WORD(NFTA_NG_TYPE, "type", nft_w_numgen), NUM(NFTA_NG_OFFSET, "offset"), END
};
ROWS(objref) = {
	WORD(NFTA_OBJREF_IMM_TYPE, "type", nft_w_objtype),
	TEXT(NFTA_OBJREF_IMM_NAME, "object"), SREG(NFTA_OBJREF_SET_SREG),
	TEXT(NFTA_OBJREF_SET_NAME, "set"), END
};
ROWS(osf) = {
	DREG(NFTA_OSF_DREG), NUM(NFTA_OSF_TTL, "ttl"),
	FLAGS(NFTA_OSF_FLAGS, nft_w_osf_flags), END
};
ROWS(payload) = {
	WORD(NFTA_PAYLOAD_BASE, "base", nft_w_payload_base),
	NUM(NFTA_PAYLOAD_OFFSET, "offset"), NUM(NFTA_PAYLOAD_LEN, "len"),
	DREG(NFTA_PAYLOAD_DREG), SREG(NFTA_PAYLOAD_SREG),
	NUM(NFTA_PAYLOAD_CSUM_TYPE, "csum_type"),
	NUM(NFTA_PAYLOAD_CSUM_OFFSET, "csum_offset"),
	NUM(NFTA_PAYLOAD_CSUM_FLAGS, "csum_flags"), END
};
ROWS(queue) = {
	NUM(NFTA_QUEUE_NUM, "number"), NUM(NFTA_QUEUE_TOTAL, "total"),
	FLAGS(NFTA_QUEUE_FLAGS, nft_w_queue_flags), SREG(NFTA_QUEUE_SREG_QNUM), END
};
ROWS(quota) = {
	NUM(NFTA_QUOTA_BYTES, "limit"), FLAGS(NFTA_QUOTA_FLAGS, nft_w_over),
	VALUE(NFTA_QUOTA_CONSUMED, "used"), END
};
ROWS(range) = {
	SREG(NFTA_RANGE_SREG), WORD(NFTA_RANGE_OP, "op", nft_w_range),
	DATA(NFTA_RANGE_FROM_DATA, "from"), DATA(NFTA_RANGE_TO_DATA, "to"), END
};
ROWS(redir) = {
	NUM(NFTA_REDIR_REG_PROTO_MIN, "port_min"),
	NUM(NFTA_REDIR_REG_PROTO_MAX, "port_max"),
	FLAGS(NFTA_REDIR_FLAGS, nft_w_nat_flags), END
};
ROWS(reject) = {
	WORD(NFTA_REJECT_TYPE, "type", nft_w_reject), NUM(NFTA_REJECT_ICMP_CODE, "code"),
	END
};
ROWS(rt) = { DREG(NFTA_RT_DREG), WORD(NFTA_RT_KEY, "key", nft_w_rt), END };
ROWS(secmark) = { TEXT(NFTA_SECMARK_CTX, "context"), END };
ROWS(sock) = {
	WORD(NFTA_SOCKET_KEY, "key", nft_w_socket), DREG(NFTA_SOCKET_DREG),
	NUM(NFTA_SOCKET_LEVEL, "level"), END
};
ROWS(synproxy) = {
	NUM(NFTA_SYNPROXY_MSS, "mss"), NUM(NFTA_SYNPROXY_WSCALE, "wscale"),
	FLAGS(NFTA_SYNPROXY_FLAGS, nft_w_synproxy_flags), END
};
ROWS(tproxy) = {
	{ NFTA_TPROXY_FAMILY, AS_FAMILY, "family", NULL },
	NUM(NFTA_TPROXY_REG_ADDR, "addr"), NUM(NFTA_TPROXY_REG_PORT, "port"), END
};
ROWS(tunnel) = {
	WORD(NFTA_TUNNEL_KEY, "key", nft_w_tunnel), DREG(NFTA_TUNNEL_DREG),
	NUM(NFTA_TUNNEL_MODE, "mode"), END
};
ROWS(xfrm) = {
	DREG(NFTA_XFRM_DREG), WORD(NFTA_XFRM_KEY, "key", nft_w_xfrm),
	WORD(NFTA_XFRM_DIR, "direction", nft_w_xfrm_dir), NUM(NFTA_XFRM_SPNUM, "spnum"),
	END
};
/* Of match and target alike. */
ROWS(xt) = {
	TEXT(1, "extension"), NUM(2, "revision"), { 3, AS_HEX, "info", NULL }, END
};
ROWS(ct_helper) = {
	TEXT(NFTA_CT_HELPER_NAME, "helper"),
	{ NFTA_CT_HELPER_L3PROTO, AS_FAMILY, "l3proto", NULL },
	NUM(NFTA_CT_HELPER_L4PROTO, "l4proto"), END
};
ROWS(ct_timeout) = {
	{ NFTA_CT_TIMEOUT_L3PROTO, AS_FAMILY, "l3proto", NULL },
	NUM(NFTA_CT_TIMEOUT_L4PROTO, "l4proto"),
	{ NFTA_CT_TIMEOUT_DATA, AS_SECONDS, "timeouts", NULL }, END
};
ROWS(ct_expect) = {
	{ NFTA_CT_EXPECT_L3PROTO, AS_FAMILY, "l3proto", NULL },
	NUM(NFTA_CT_EXPECT_L4PROTO, "l4proto"), NUM(NFTA_CT_EXPECT_DPORT, "dport"),
	{ NFTA_CT_EXPECT_TIMEOUT, AS_HOST, "timeout_ms", NULL },
	NUM(NFTA_CT_EXPECT_SIZE, "size"), END
};
ROWS(tunnel_object) = {
	NUM(NFTA_TUNNEL_KEY_ID, "id"), NUM(NFTA_TUNNEL_KEY_TOS, "tos"),
	NUM(NFTA_TUNNEL_KEY_TTL, "ttl"), NUM(NFTA_TUNNEL_KEY_SPORT, "sport"),
	NUM(NFTA_TUNNEL_KEY_DPORT, "dport"), END
};
/* clang-format on */

static const struct {
	const char *name;
	const struct nft_shown *rows;
} exprs[] = {
	{ "bitwise", bitwise },
	{ "byteorder", byteorder },
	{ "cmp", cmp },
	{ "connlimit", connlimit },
	{ "counter", counter },
	{ "ct", ct },
	{ "dup", duplicate },
	{ "dynset", dynset },
	{ "exthdr", exthdr },
	{ "fib", fib },
	{ "flow_offload", flow },
	{ "fwd", fwd },
	{ "hash", hash },
	{ "immediate", immediate },
	{ "inner", inner },
	{ "last", last },
	{ "limit", limit },
	{ "log", logging },
	{ "lookup", lookup },
	{ "masq", masq },
	{ "match", xt },
	{ "meta", meta },
	{ "nat", nat },
	{ "numgen", numgen },
	{ "objref", objref },
	{ "osf", osf },
	{ "payload", payload },
	{ "queue", queue },
	{ "quota", quota },
	{ "range", range },
	{ "redir", redir },
	{ "reject", reject },
	{ "rt", rt },
	{ "secmark", secmark },
	{ "socket", sock },
	{ "synproxy", synproxy },
	{ "target", xt },
	{ "tproxy", tproxy },
	{ "tunnel", tunnel },
	{ "xfrm", xfrm },
};

const struct nft_shown *nft_expr_rows(struct nse_bytes name)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(exprs); i++)
		if (strlen(exprs[i].name) == name.n &&
		    memcmp(exprs[i].name, name.p, name.n) == 0)
			return exprs[i].rows;
	return none;
}

static const struct nft_shown *const objects[] = {
	[NFT_OBJECT_COUNTER] = counter,	      [NFT_OBJECT_QUOTA] = quota,
	[NFT_OBJECT_CT_HELPER] = ct_helper,   [NFT_OBJECT_LIMIT] = limit,
	[NFT_OBJECT_CONNLIMIT] = connlimit,   [NFT_OBJECT_TUNNEL] = tunnel_object,
	[NFT_OBJECT_CT_TIMEOUT] = ct_timeout, [NFT_OBJECT_SECMARK] = secmark,
	[NFT_OBJECT_CT_EXPECT] = ct_expect,   [NFT_OBJECT_SYNPROXY] = synproxy,
};

const struct nft_shown *nft_object_rows(uint32_t objtype)
{
	if (objtype < NSE_ARRAY_SIZE(objects) && objects[objtype])
		return objects[objtype];
	return none;
}
