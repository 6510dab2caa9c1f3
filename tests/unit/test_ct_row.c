/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows: their layout, what is refused of foreign bytes, relocation, sharing
 * and description. No kernel is needed.
 */
#include "tests/unit/ct_lib.h"

#include "lib/util/buf.h"

/* An entry with every part, translated on both sides. */
static struct ct_entry full(void)
{
	struct ct_entry e = { .l3 = 4,
			      .l4 = IPPROTO_TCP,
			      .zone_orig = 7,
			      .zone_reply = 7,
			      .mark = 0x01020304,
			      .timeout = 431999 };

	memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
	memcpy(e.orig.dst, "\xc0\x00\x02\x08", 4);
	memcpy(e.orig.l4, "\x12\x34\x00\x50", 4);
	memcpy(e.reply.src, "\x0a\x00\x00\x02", 4);
	memcpy(e.reply.dst, "\xc0\x00\x02\x07", 4);
	memcpy(e.reply.l4, "\x1f\x90\x10\x92", 4);
	e.present = CT_HAS_TCP | CT_HAS_SEQADJ_ORIG | CT_HAS_SEQADJ_REPLY |
		    CT_HAS_SYNPROXY | CT_HAS_LABELS | CT_HAS_MASTER | CT_HAS_HELPER |
		    CT_HAS_INFO;
	e.status = IPS_SEEN_REPLY | IPS_ASSURED | IPS_SRC_NAT | IPS_DST_NAT;
	e.tcp.state = 3;
	e.tcp.wscale[0] = 7;
	e.tcp.wscale[1] = 14;
	e.tcp.flags[0] = 0x03;
	e.tcp.flags[1] = 0x0b;
	e.seqadj[0] = (struct ct_seqadj){ 1000, 3, (uint32_t)-2 };
	e.seqadj[1] = (struct ct_seqadj){ 2000, 5, 6 };
	e.synproxy[0] = 77;
	e.labels[0] = 0x02;
	e.labels[15] = 0x80;
	e.master_l4 = IPPROTO_TCP;
	memcpy(&e.master, &e.orig, sizeof(e.master));
	memcpy(e.helper, "ftp", 4);
	e.info_len = 2;
	e.info[0] = 0xab;
	e.info[1] = 0xcd;
	e.state = CT_STATE_COUNTERS | CT_STATE_START | CT_STATE_UNACKED_ORIG;
	e.packets[0] = 10;
	e.bytes[1] = 1ull << 40;
	e.start = 1700000000000000000ull;
	return e;
}

static struct ct_entry plain(void)
{
	struct ct_entry e = full();

	e.zone_orig = e.zone_reply = 0;
	e.present = CT_HAS_TCP;
	e.status = IPS_SEEN_REPLY | IPS_ASSURED;
	e.state = 0;
	ct_invert(e.l3, e.l4, &e.orig, &e.reply);
	return e;
}

static void layout(void **state)
{
	static const uint8_t key[] = { 4, 6,	0, 0, 0, 0,    0x0a, 0,	   0,
				       1, 0xc0, 0, 2, 8, 0x12, 0x34, 0x00, 0x50 };
	static const uint8_t body[] = { 0, 2, 0, 0, 0, 6, 1, 2, 3, 4, 3, 7, 14, 3, 0x0b };
	static const uint8_t moving[] = { 0, 6, 0x97, 0x7f, 0 };
	struct ct_entry e = plain();
	struct ct_row row;

	(void)state;
	ct_row_encode(&e, &row);
	assert_int_equal(row.rec.key.n, sizeof(key));
	assert_memory_equal(row.rec.key.p, key, sizeof(key));
	assert_int_equal(row.rec.body.n, sizeof(body));
	assert_memory_equal(row.rec.body.p, body, sizeof(body));
	assert_int_equal(row.rec.state.n, sizeof(moving));
	assert_memory_equal(row.rec.state.p, moving, sizeof(moving));
	e.l3 = 6;
	ct_row_encode(&e, &row);
	assert_int_equal(row.rec.key.n, CT_KEY_V6);
}

static void there_and_back(void **state)
{
	struct ct_entry e = full(), got;
	struct ct_row row, again;

	(void)state;
	for (int l3 = 4; l3 <= 6; l3 += 2) {
		e.l3 = (uint8_t)l3;
		ct_row_encode(&e, &row);
		assert_true(row.rec.body.n <= CT_BODY_MAX &&
			    row.rec.state.n <= CT_STATE_MAX);
		assert_int_equal(ct_row_check(&row.rec, NULL), 0);
		memset(&got, 0xee, sizeof(got));
		assert_int_equal(ct_row_decode(&row.rec, &got, NULL), 0);
		assert_true(ct_alike(&e, &got, false));
		assert_int_equal(got.packets[0], 10);
		assert_true(got.bytes[1] == 1ull << 40);
		ct_row_encode(&got, &again);
		assert_true(nse_bytes_equal(row.rec.body, again.rec.body));
	}
}

static int check_bytes(const uint8_t *key, size_t nk, const uint8_t *body, size_t nb,
		       const uint8_t *moving, size_t ns)
{
	/* Of exact size, so that the sanitizers see every byte too far. */
	NSE_FREE uint8_t *k = malloc(nk + !nk), *b = malloc(nb + !nb),
			 *s = malloc(ns + !ns);
	struct nse_record rec = { &ct_kind, { k, nk }, { b, nb }, { s, ns } };
	struct nse_error err = { 0 };
	int rc;

	memcpy(k, key, nk);
	memcpy(b, body, nb);
	memcpy(s, moving, ns);
	rc = ct->check(&rec, &err);
	assert_true(rc == 0 || (rc == -EBADMSG && err.text[0]));
	return rc;
}

static void cut_and_long(void **state)
{
	struct ct_entry e = full();
	struct ct_row r;
	uint8_t body[CT_BODY_MAX + 1] = { 0 }, key[CT_KEY_V6 + 1] = { 0 };
	size_t nk, nb, ns;

	(void)state;
	ct_row_encode(&e, &r);
	nk = r.rec.key.n;
	nb = r.rec.body.n;
	ns = r.rec.state.n;
	assert_int_equal(check_bytes(r.key, nk, r.body, nb, r.state, ns), 0);
	for (size_t n = 0; n < nk; n++)
		assert_int_equal(check_bytes(r.key, n, r.body, nb, r.state, ns),
				 -EBADMSG);
	for (size_t n = 0; n < nb; n++)
		assert_int_equal(check_bytes(r.key, nk, r.body, n, r.state, ns),
				 -EBADMSG);
	for (size_t n = 0; n < ns; n++)
		assert_int_equal(check_bytes(r.key, nk, r.body, nb, r.state, n),
				 -EBADMSG);
	memcpy(body, r.body, nb);
	memcpy(key, r.key, nk);
	assert_int_equal(check_bytes(r.key, nk, body, nb + 1, r.state, ns), -EBADMSG);
	assert_int_equal(check_bytes(key, nk + 1, r.body, nb, r.state, ns), -EBADMSG);
}

/* Any byte to any value: refused, or it is the one encoding of what it says. */
static void any_byte(void **state)
{
	struct ct_entry e = full();
	struct ct_row r;
	int accepted = 0, refused = 0;

	(void)state;
	ct_row_encode(&e, &r);
	for (size_t i = 0; i < r.rec.key.n + r.rec.body.n + r.rec.state.n; i++)
		for (int v = 0; v < 256; v++) {
			size_t nk = r.rec.key.n, nb = r.rec.body.n;
			uint8_t *p = i < nk	   ? &r.key[i]
				     : i < nk + nb ? &r.body[i - nk]
						   : &r.state[i - nk - nb];
			uint8_t old = *p;

			*p = (uint8_t)v;
			if (check_bytes(r.key, nk, r.body, nb, r.state, r.rec.state.n) ==
			    0)
				accepted++;
			else
				refused++;
			*p = old;
		}
	assert_true(accepted > 0 && refused > 0);
}

static void refused(const struct ct_entry *e)
{
	struct ct_row row;

	ct_row_encode(e, &row);
	assert_int_equal(ct_row_check(&row.rec, NULL), -EBADMSG);
}

static void out_of_range(void **state)
{
	struct ct_entry e;

	(void)state;
	e = plain(), e.tcp.wscale[0] = 15, refused(&e);
	e = plain(), e.tcp.state = 10, refused(&e);
	e = plain(), e.l3 = 5, refused(&e);
	e = plain(), e.l4 = IPPROTO_UDP, refused(&e);
	e = plain(), e.zone_orig = 1, e.zone_reply = 2, refused(&e);
	e = plain(), e.l4 = IPPROTO_ESP, e.present = 0, refused(&e); /* with ports */
	e = plain(), e.l4 = IPPROTO_ICMP, e.present = 0, e.orig.l4[2] = 3, refused(&e);
	e = plain(), e.l4 = IPPROTO_ICMPV6, e.present = 0, e.orig.l4[2] = 128,
	refused(&e);
	e = full(), memcpy(e.helper, "a b", 4), refused(&e);
	e = full(), e.helper[0] = 0, refused(&e);
	e = full(), memset(e.helper, 'x', CT_HELPER_NAME), refused(&e);
	e = full(), e.helper[10] = 'x', refused(&e);
	e = full(), e.info_len = 0, refused(&e);
	e = full(), e.present &= ~CT_HAS_HELPER, refused(&e);
	e = plain(), e.present = CT_HAS_SCTP, refused(&e);
	e = plain(), e.present = 0, e.state = CT_STATE_UNACKED_ORIG, refused(&e);
}

static void relocate(void **state)
{
	struct nse_map map = NSE_MAP_INIT;
	struct nse_buf key = NSE_BUF_INIT(NSE_RECORD_MAX),
		       body = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_buf moving = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record rec = { .kind = &ct_kind };
	struct ct_entry e = full(), got;
	struct ct_row row;

	(void)state;
	assert_int_equal(nse_map_add_addr(&map, "10.0.0.1=10.9.9.9", NULL), 0);
	assert_int_equal(nse_map_add_addr(&map, "192.0.2.7=192.0.2.99", NULL), 0);
	assert_int_equal(nse_map_add_zone(&map, "7=70", NULL), 0);
	assert_int_equal(nse_map_add_zone(&map, "0=1", NULL), 0);
	ct_row_encode(&e, &row);
	assert_int_equal(ct->relocate(&map, &row.rec, &key, &body, &moving, NULL), 0);
	rec.key = (struct nse_bytes){ key.data, key.len };
	rec.body = (struct nse_bytes){ body.data, body.len };
	rec.state = (struct nse_bytes){ moving.data, moving.len };
	assert_int_equal(ct->check(&rec, NULL), 0);
	assert_int_equal(ct_row_decode(&rec, &got, NULL), 0);
	assert_memory_equal(got.orig.src, "\x0a\x09\x09\x09", 4);
	assert_memory_equal(got.master.src, "\x0a\x09\x09\x09", 4);
	assert_memory_equal(got.reply.dst, "\xc0\x00\x02\x63", 4);
	assert_int_equal(got.zone_orig, 70);
	assert_int_equal(got.zone_reply, 70);
	/* A zone of one direction: the other stays without one. */
	e.zone_reply = 0;
	ct_row_encode(&e, &row);
	assert_int_equal(ct->relocate(&map, &row.rec, &key, &body, &moving, NULL), 0);
	rec.key = (struct nse_bytes){ key.data, key.len };
	rec.body = (struct nse_bytes){ body.data, body.len };
	rec.state = (struct nse_bytes){ moving.data, moving.len };
	assert_int_equal(ct_row_decode(&rec, &got, NULL), 0);
	assert_int_equal(got.zone_orig, 70);
	assert_int_equal(got.zone_reply, 0);
	nse_buf_release(&key);
	nse_buf_release(&body);
	nse_buf_release(&moving);
	nse_map_release(&map);
}

static void shared(void **state)
{
	struct nse_addr local[1];
	struct ct_entry e = full(); /* 10.0.0.1 to 192.0.2.8, really 10.0.0.2 */
	struct nse_scope s;
	struct ct_row row;

	(void)state;
	ct_row_encode(&e, &row);
	nse_scope_init(&s);
	scope_add(&s, "10.0.0.1");
	assert_int_equal(nse_addr_parse("10.0.0.2", &local[0], NULL), 0);
	assert_true(ct->shared(&row.rec, &s, local, 1));
	assert_false(ct->shared(&row.rec, &s, local, 0));
	assert_int_equal(nse_addr_parse("192.0.2.8", &local[0], NULL), 0);
	assert_false(ct->shared(&row.rec, &s, local, 1));
	nse_scope_release(&s);
	/* Seen from the server. */
	scope_add(&s, "10.0.0.2");
	assert_int_equal(nse_addr_parse("10.0.0.1", &local[0], NULL), 0);
	assert_true(ct->shared(&row.rec, &s, local, 1));
	/* Both ends are the domain's: nobody else has a part. */
	scope_add(&s, "10.0.0.1");
	assert_false(ct->shared(&row.rec, &s, local, 1));
	nse_scope_release(&s);
}

static void describe(void **state)
{
	static const char want[] =
		"{\"body\":{\"helper\":\"ftp\",\"helper_info\":\"abcd\","
		"\"labels\":\"80000000000000000000000000000002\",\"mark\":16909060,"
		"\"master\":{\"dport\":80,\"dst\":\"192.0.2.8\",\"proto\":\"tcp\","
		"\"sport\":4660,\"src\":\"10.0.0.1\"},"
		"\"nat\":{\"dst\":\"10.0.0.2:8080\",\"src\":\"192.0.2.7:4242\"},"
		"\"reply\":{\"dport\":4242,\"dst\":\"192.0.2.7\",\"sport\":8080,"
		"\"src\":\"10.0.0.2\"},"
		"\"seqadj\":{\"orig\":{\"after\":-2,\"before\":3,\"pos\":1000},"
		"\"reply\":{\"after\":6,\"before\":5,\"pos\":2000}},"
		"\"state\":\"ESTABLISHED\","
		"\"status\":[\"seen-reply\",\"assured\",\"src-nat\",\"dst-nat\",\"expected\"],"
		"\"synproxy\":{\"isn\":77,\"its\":0,\"tsoff\":0},"
		"\"tcp\":{\"flags\":[[\"window-scale\",\"sack-perm\"],"
		"[\"window-scale\",\"sack-perm\",\"be-liberal\"]],\"wscale\":[7,14]}},"
		"\"key\":{\"dport\":80,\"dst\":\"192.0.2.8\",\"family\":\"ipv4\","
		"\"proto\":\"tcp\",\"sport\":4660,\"src\":\"10.0.0.1\",\"zone\":7},"
		"\"state\":{\"bytes\":{\"orig\":0,\"reply\":1099511627776},"
		"\"packets\":{\"orig\":10,\"reply\":0},\"start\":\"2023-11-14T22:13:20Z\","
		"\"timeout\":431999,\"unacknowledged\":{\"orig\":true,\"reply\":false}}}";
	struct ct_entry e = full();
	struct ct_row row;
	json_t *key = json_object(), *body = json_object(), *moving = json_object(), *all;
	NSE_FREE char *got = NULL;

	(void)state;
	ct_row_encode(&e, &row);
	assert_int_equal(ct->describe(&row.rec, key, body, moving), 0);
	all = json_pack("{s:o,s:o,s:o}", "key", key, "body", body, "state", moving);
	got = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(got, want);
	json_decref(all);
}

static void names(void **state)
{
	struct ct_entry e = full();
	char text[CT_TEXT];

	(void)state;
	assert_string_equal(ct_entry_text(&e, text),
			    "tcp 10.0.0.1:4660 -> 192.0.2.8:80 zone 7");
	e.zone_reply = 0;
	e.l4 = IPPROTO_ICMP;
	memcpy(e.orig.l4, "\x00\x05\x08\x00", 4);
	assert_string_equal(ct_entry_text(&e, text),
			    "icmp 10.0.0.1 -> 192.0.2.8 type 8 code 0 id 5 zone 7/0");
	e = plain();
	e.l3 = 6;
	e.l4 = 250;
	memset(e.orig.src, 0, 16);
	memset(e.orig.dst, 0, 16);
	e.orig.dst[15] = 1;
	assert_string_equal(ct_entry_text(&e, text), "250 :: -> ::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),	cmocka_unit_test(there_and_back),
		cmocka_unit_test(cut_and_long), cmocka_unit_test(any_byte),
		cmocka_unit_test(out_of_range), cmocka_unit_test(relocate),
		cmocka_unit_test(shared),	cmocka_unit_test(describe),
		cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
