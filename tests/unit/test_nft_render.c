/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as text: what nft(8) says of the ruleset itself is what is shown of
 * its records, one by one; what it cannot show is not lost.
 */
#include "lib/engine/nft/render.h"
#include "tests/unit/nft_read.h"

static const char ruleset[] =
	"table inet t {\n"
	" comment \"of the table\"\n"
	" counter hits {\n  comment \"of the counter\"\n  packets 3 bytes 4\n }\n"
	" quota q {\n  over 10 mbytes used 3 kbytes\n }\n"
	" set peers { type ipv4_addr; flags timeout; comment \"of the set\"\n"
	"  elements = { 10.0.0.1 timeout 2h expires 1h comment \"first\",\n"
	"   10.0.0.2 timeout 1d, 10.0.0.3, 10.0.0.4, 10.0.0.5 }\n }\n"
	" set nets { type ipv4_addr; flags interval;\n"
	"  elements = { 10.0.0.0/8 comment \"all of ten\", 11.0.0.1-11.0.0.7,\n"
	"   11.0.0.8-11.0.0.9, 224.0.0.0/3 }\n }\n"
	" set pairs { typeof ip saddr . tcp dport; flags interval;\n"
	"  elements = { 10.0.0.0/8 . 80-90, 1.2.3.4 . 22 comment \"ssh\" }\n }\n"
	" set counted { type ipv4_addr; counter;\n"
	"  elements = { 10.0.0.9 counter packets 4 bytes 5 }\n }\n"
	" map dispatch { type ifname : verdict;\n"
	"  elements = { vif5.0 comment \"the first, {one}\" : jump web, * : accept }\n }\n"
	" map to { type ipv4_addr : ipv4_addr . inet_service;\n"
	"  elements = { 10.0.0.1 : 1.2.3.4 . 80 }\n }\n"
	" chain web {\n  comment \"of the chain\"\n"
	"  ip saddr @peers tcp dport { 22, 23 } counter name hits accept\n"
	"  tcp dport { 22, 80 } counter packets 5 bytes 300 accept comment \"a rule\"\n"
	"  tcp dport vmap { 1 : accept, 2 : drop }\n"
	"  log prefix \"a { b\"\n"
	"  quota over 1 mbytes used 5 bytes drop\n }\n"
	" chain forward {\n  type filter hook forward priority 5; policy drop;\n"
	"  iifname vmap @dispatch\n"
	"  meta l4proto tcp jump {\n   counter drop comment \"inside\"\n"
	"   accept\n  } comment \"outside\"\n"
	"  meter rate { ip saddr limit rate 5/second } drop\n }\n"
	"}\n"
	"table netdev n {\n"
	" chain c {\n  type filter hook ingress device lo priority 0;\n }\n"
	"}\n";

static struct nft_texts *render(const struct nse_context *ctx, unsigned int flags)
{
	struct nft_texts *t = NULL;
	struct nse_error err = { 0 };

	if (nft_render(ctx, flags, &t, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

/* The listing of this namespace. */
static char *listing(const char *option)
{
	char *argv[] = { "nft", (char *)option, "list ruleset; list meters", NULL };
	char *out = NULL;

	assert_int_equal(nse_run(argv, NULL, &out, 1u << 20, nse_now_us() + 30 * 1000000,
				 NULL),
			 0);
	return out;
}

/* Each line of the text is a line of the listing, or (an element) in one. */
static void find_lines(const char *out, const char *text, bool element)
{
	NSE_FREE char *copy = strdup(text), *all = strdup(out);
	char *save = NULL;

	/* A list of elements has line breaks where nft(8) wants them. */
	for (char *s = all; element && *s; s++)
		if (*s == '\n')
			*s = ' ';
	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strstr(all, line))
			fail_msg("nft(8) does not say '%s' in\n%s", line, out);
}

static bool is_in_another(const struct nft_key *key)
{
	return nft_name_is_ours(key->name) ||
	       (key->type == NFT_ELEMENT && key->kind == NFT_ELEMENT_END);
}

/* All records have texts that are nft's own. */
static void check_all(const struct nse_context *ctx, unsigned int flags)
{
	struct nft_texts *t = render(ctx, flags);
	NSE_FREE char *out = listing(flags & NFT_RENDER_STATELESS ? "-s" : "-y");
	struct nse_record rec;
	struct nft_text text;
	struct nft_key key;

	assert_string_equal(nft_texts_notes(t), "");
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		char name[512];

		if (!nse_context_at(ctx, s, &rec))
			continue;
		assert_int_equal(nft_key_decode(&rec, &key, NULL), 0);
		nft_key_text(&key, name, sizeof(name));
		if (is_in_another(&key)) {
			assert_false(nft_text_at(t, s, &text));
			continue;
		}
		if (!nft_text_at(t, s, &text) || text.plain)
			fail_msg("%s has no text of nft(8)", name);
		if (text.head)
			find_lines(out, text.head, false);
		/* Times go on while they are read. */
		if (!strstr(text.text, " expires ") && !strstr(text.text, "priority"))
			find_lines(out, text.text, key.type == NFT_ELEMENT);
	}
	nft_texts_free(t);
}

static void test_all(void **state)
{
	struct nse_context *ctx = context_of(ruleset);

	(void)state;
	check_all(ctx, 0);
	check_all(ctx, NFT_RENDER_STATELESS);
	nse_context_free(ctx);
}

static void expect(const struct nse_context *ctx, const struct nft_texts *t,
		   const char *name, const char *head, const char *want)
{
	struct nft_text text;

	if (!nft_text_at(t, slot_of(ctx, name), &text))
		fail_msg("no text of %s", name);
	assert_string_equal(text.text, want);
	if (head)
		assert_string_equal(text.head, head);
	else
		assert_null(text.head);
}

static void test_words(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	struct nft_texts *t = render(ctx, 0);

	(void)state;
	expect(ctx, t, "table inet t", "table inet t", "comment \"of the table\"");
	expect(ctx, t, "counter inet t hits", "counter hits",
	       "comment \"of the counter\"\npackets 3 bytes 4");
	expect(ctx, t, "chain inet t forward", "chain forward",
	       "type filter hook forward priority filter + 5; policy drop;");
	expect(ctx, t, "chain inet t web", "chain web", "comment \"of the chain\"");
	expect(ctx, t, "rule 1 of chain inet t web", NULL,
	       "tcp dport { 22, 80 } counter packets 5 bytes 300 accept comment "
	       "\"a rule\"");
	expect(ctx, t, "rule 1 of chain inet t forward", NULL,
	       "meta l4proto tcp jump {\n\tcounter packets 0 bytes 0 drop comment "
	       "\"inside\"\n\taccept\n} comment \"outside\"");
	expect(ctx, t, "element vif5.0 of set inet t dispatch", NULL,
	       "\"vif5.0\" comment \"the first, {one}\" : jump web");
	expect(ctx, t, "element 10.0.0.9 of set inet t counted", NULL,
	       "10.0.0.9 counter packets 4 bytes 5");
	expect(ctx, t, "element 11.0.0.1 of set inet t nets", NULL, "11.0.0.1-11.0.0.7");
	nft_texts_free(t);
	nse_context_free(ctx);
}

/* Only what was asked for, and then its text is the same. */
static void test_some(void **state)
{
	static const char *const names[] = { "rule 1 of chain inet t web",
					     "element 11.0.0.1 of set inet t nets",
					     "element 10.0.0.3 of set inet t peers" };
	struct nse_context *ctx = context_of(ruleset);
	struct nft_texts *all = render(ctx, NFT_RENDER_STATELESS), *t = NULL;
	NSE_FREE uint8_t *wanted = calloc(nse_context_slots(ctx), 1);
	struct nft_text text;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(names); i++)
		wanted[slot_of(ctx, names[i])] = 1;
	assert_int_equal(nft_render_some(ctx, wanted, NFT_RENDER_STATELESS, &t, NULL), 0);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(names); i++) {
		assert_true(nft_text_at(all, slot_of(ctx, names[i]), &text));
		expect(ctx, t, names[i], NULL, text.text);
	}
	expect(ctx, t, "chain inet t web", "chain web", "comment \"of the chain\"");
	assert_false(nft_text_at(t, slot_of(ctx, "rule 0 of chain inet t web"), &text));
	assert_false(nft_text_at(t, slot_of(ctx, "set inet t @web:0:0"), &text));
	assert_false(nft_text_at(t, slot_of(ctx, "element 10.0.0.1 of set inet t peers"),
				 &text));
	nft_texts_free(all);
	nft_texts_free(t);
	nse_context_free(ctx);
}

/* What is left of an element is what the record says, to the millisecond. */
static void test_expires(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	uint32_t slot = slot_of(ctx, "element 10.0.0.1 of set inet t peers");
	uint8_t left[9] = { NFT_STATE_EXPIRES };
	struct nft_texts *t;
	struct nse_record rec;

	(void)state;
	nse_st64(left + 1, 3723004);
	assert_true(nse_context_at(ctx, slot, &rec));
	rec.state = (struct nse_bytes){ left, sizeof(left) };
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	t = render(ctx, 0);
	expect(ctx, t, "element 10.0.0.1 of set inet t peers", NULL,
	       "10.0.0.1 timeout 2h expires 1h2m3s4ms comment \"first\"");
	nft_texts_free(t);
	nse_context_free(ctx);
}

/* What the kernel refuses is shown otherwise, and nothing else suffers. */
static void test_refused(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	struct nse_record rec;
	struct nft_texts *t;
	struct nft_text text;

	(void)state;
	assert_true(nse_context_at(ctx, slot_of(ctx, "counter inet t hits"), &rec));
	assert_int_equal(nse_context_del(ctx, rec.kind, rec.key), 0);
	make_need(ctx, "rule 0 of chain inet t forward");
	t = render(ctx, 0);
	assert_true(nft_text_at(t, slot_of(ctx, "rule 0 of chain inet t web"), &text));
	assert_true(text.plain);
	assert_non_null(strstr(text.text, "[ objref type 1 name hits ]"));
	/* Its set is in no text of nft(8): it has one of its own. */
	assert_true(nft_text_at(t, slot_of(ctx, "set inet t @web:0:0"), &text));
	assert_true(
		nft_text_at(t, slot_of(ctx, "element 22 of set inet t @web:0:0"), &text));
	assert_false(nft_text_at(t, slot_of(ctx, "set inet t @web:1:0"), &text));
	expect(ctx, t, "rule 1 of chain inet t web", NULL,
	       "tcp dport { 22, 80 } counter packets 5 bytes 300 accept comment "
	       "\"a rule\"");
	expect(ctx, t, "rule 0 of chain inet t forward", NULL, "iifname vmap @dispatch");
	nft_texts_free(t);
	nse_context_free(ctx);
}

static void test_plain(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	struct nft_texts *t = render(ctx, NFT_RENDER_PLAIN);
	struct nse_record rec;
	struct nft_text text;

	(void)state;
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec))
			continue;
		assert_true(nft_text_at(t, s, &text));
		assert_true(text.plain);
		assert_true(*text.text);
		assert_null(strchr(text.text, '\t'));
	}
	assert_true(nft_text_at(t, slot_of(ctx, "rule 4 of chain inet t web"), &text));
	assert_non_null(strstr(text.text, "[ quota bytes 1048576 consumed 5 flags 1 ]"));
	assert_true(nft_text_at(t, slot_of(ctx, "set inet t to"), &text));
	assert_string_equal(text.head, "map to");
	nft_texts_free(t);
	nse_context_free(ctx);
}

/* Names and prefixes that look like something else; a mark cannot be guessed. */
static void test_hostile(void **state)
{
	static const char forged[] = "x\n\t\tdrop comment \"nsemig-0-1\"\n\t}\n}\n";
	struct nse_context *ctx = context_of(
		"table ip t {\n chain a {\n  log prefix "
		"\"0123456789012345678901234567890123456789012\"\n  accept\n }\n"
		" chain b {\n  drop\n }\n}\n");
	struct nft_texts *t;
	struct nft_text text;
	char prefix[sizeof(forged)];

	(void)state;
	snprintf(prefix, sizeof(prefix), "%.*s", (int)sizeof(forged) - 1,
		 "0123456789012345678901234567890123456789012");
	forge(ctx, "rule 0 of chain ip t a", prefix,
	      (char[sizeof(forged)]){ "x\n\t\tdrop comment \"nsemig-0-1\"\n\t}\n}\n" });
	t = render(ctx, 0);
	expect(ctx, t, "rule 1 of chain ip t a", NULL, "accept");
	expect(ctx, t, "rule 0 of chain ip t b", NULL, "drop");
	assert_true(nft_text_at(t, slot_of(ctx, "rule 0 of chain ip t a"), &text));
	assert_non_null(strstr(text.text, "nsemig-0-1"));
	nft_texts_free(t);
	nse_context_free(ctx);
}

/* Extensions whose options nft(8) does not show are named. */
static void test_xt(void **state)
{
	struct nse_context *ctx;
	struct nft_texts *t;
	struct nft_text text;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	if (shell("iptables-nft -A FORWARD -m physdev --physdev-in vif5.0 -m comment "
		  "--comment hello -j ACCEPT") != 0) {
		puts("# no iptables-nft here");
		return;
	}
	ctx = collect_all();
	t = render(ctx, 0);
	assert_non_null(strstr(nft_texts_notes(t), "iptables-nft"));
	assert_true(
		nft_text_at(t, slot_of(ctx, "rule 0 of chain ip filter FORWARD"), &text));
	assert_non_null(strstr(text.text, "accept  # xt: physdev, comment"));
	nft_texts_free(t);
	nse_context_free(ctx);
}

static void test_nothing(void **state)
{
	static const struct nse_kind other = { "conntrack", "entry" };
	struct nse_context *ctx = nse_context_new();
	struct nse_record rec = { .kind = &other, .key = { (const uint8_t *)"k", 1 } };
	struct nft_texts *t;
	struct nft_text text;

	(void)state;
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	t = render(ctx, 0);
	assert_false(nft_text_at(t, 0, &text));
	assert_false(nft_text_at(t, 1000, &text));
	assert_string_equal(nft_texts_notes(t), "");
	nft_texts_free(t);
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),	cmocka_unit_test(test_words),
		cmocka_unit_test(test_expires), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_plain),	cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_xt),	cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_some),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
