/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the nft engine with records as a hostile source would send them. The
 * input is a row of records (a byte for the kind, three lengths, key, body and
 * state). What the check lets through must be safe for the rest of the engine:
 * it is described, relocated (and must pass the check again), and made into
 * messages for the kernel, which are not sent.
 *
 * With NSE_FUZZ_SEEDS=DIR in the environment, seeds are written to DIR first.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/context/snapshot.h"
#include "lib/engine/nft/batch.h"
#include "lib/engine/nft/build.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/relocate.h"
#include "lib/engine/nft/walk.h"
#include "tests/unit/nft_sample.h"

#define HEAD 7 /* of a record in the input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* An error must have a code and a text. */
static void must_tell(int rc, const struct nse_error *err)
{
	if (rc < 0 && (err->code != rc || !err->text[0]))
		abort();
}

static const struct nse_kind *kind_of(uint8_t n)
{
	n %= 2 * NFT_TYPES;
	return n < NFT_TYPES ? &nft_kinds[n] : &nft_need_kinds[n - NFT_TYPES];
}

/* The next record of the input, as copies that end where they end. */
static bool take(struct nse_cur *c, struct nse_record *rec, uint8_t *copies[3])
{
	struct nse_bytes *parts[] = { &rec->key, &rec->body, &rec->state };
	uint16_t n[3];
	uint8_t kind;

	if (nse_get_u8(c, &kind) < 0)
		return false;
	rec->kind = kind_of(kind);
	for (int i = 0; i < 3; i++)
		if (nse_get_u16(c, &n[i]) < 0)
			return false;
	for (int i = 0; i < 3; i++) {
		const uint8_t *p;

		if (n[i] > nse_cur_left(c))
			n[i] = (uint16_t)nse_cur_left(c);
		nse_get_bytes(c, n[i], &p);
		copies[i] = malloc(n[i] ? n[i] : 1);
		if (n[i])
			memcpy(copies[i], p, n[i]);
		*parts[i] = (struct nse_bytes){ copies[i], n[i] };
	}
	return true;
}

static void describe(const struct nse_record *rec)
{
	json_t *o[] = { json_object(), json_object(), json_object() };

	if (nft_describe(rec, o[0], o[1], o[2]) < 0)
		abort();
	for (int i = 0; i < 3; i++) {
		free(json_dumps(o[i], JSON_COMPACT));
		json_decref(o[i]);
	}
}

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	uint64_t *sum = arg;

	(void)to;
	for (size_t i = 0; i < site->data.n; i++)
		*sum += site->data.p[i];
	return 0;
}

static void walk(const struct nse_record *rec)
{
	struct nse_buf out = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_layout layout;
	struct nse_bytes attrs;
	struct nft_key key;
	uint64_t sum = 0;

	if (nft_key_decode(rec, &key, NULL) < 0)
		abort();
	attrs = nft_body_attrs(key.type, rec->body);
	nft_walk_in(key.family, key.type, attrs, NULL, on_site, &sum, &out);
	nft_layout_of(attrs, &layout);
	nse_buf_reset(&out);
	nft_walk(NFT_ELEMENT, attrs, &layout, on_site, &sum, &out);
	nft_walk_key(&layout, key.kind, key.bytes, on_site, &sum, &out);
	nse_buf_release(&out);
}

static struct nse_map *make_map(void)
{
	static struct nse_map map = NSE_MAP_INIT;

	if (map.nvifs == 0 &&
	    (nse_map_add_vif(&map, "vif5.0=vif17.0", NULL) < 0 ||
	     nse_map_add_addr(&map, "10.0.0.0/24=10.0.7.0/24", NULL) < 0 ||
	     nse_map_add_name(&map, "web1=web-one", NULL) < 0))
		abort();
	return &map;
}

static void relocate(const struct nse_record *rec)
{
	struct nse_buf key = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_buf body = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_buf state = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record now = { .kind = rec->kind };
	struct nse_error err = { 0 };
	int rc = nft_relocate(make_map(), rec, &key, &body, &state, &err);

	must_tell(rc, &err);
	now.key = (struct nse_bytes){ key.data, key.len };
	now.body = (struct nse_bytes){ body.data, body.len };
	now.state = (struct nse_bytes){ state.data, state.len };
	if (rc == 0 && nft_check(&now, NULL) < 0)
		abort();
	nse_buf_release(&key);
	nse_buf_release(&body);
	nse_buf_release(&state);
}

static void build(const struct nse_context *ctx)
{
	struct nft_builder *bd;
	struct nft_batch batch;
	struct nse_error err = { 0 };

	nft_batch_init(&batch);
	if (nft_builder_new(&bd, &batch) < 0)
		abort();
	nft_build_context(bd, ctx, NULL, NULL, &err);
	nft_builder_free(bd);
	nft_batch_release(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nse_context *ctx = nse_context_new(), *moved = nse_context_new();
	struct nse_cur c = nse_cur(data, size);
	struct nse_error err = { 0 };
	struct nse_record rec;
	uint8_t *copies[3];

	while (take(&c, &rec, copies)) {
		int rc = nft_check(&rec, &err);

		must_tell(rc, &err);
		if (rc == 0) {
			describe(&rec);
			walk(&rec);
			relocate(&rec);
			nse_context_put(ctx, &rec, NULL);
		}
		for (int i = 0; i < 3; i++)
			free(copies[i]);
	}
	build(ctx);
	must_tell(nft_relocate_context(make_map(), ctx, moved, &err), &err);
	build(moved);
	nse_context_free(ctx);
	nse_context_free(moved);
	return 0;
}

/* Where the record with that number begins, or the last one. */
static size_t find_record(const uint8_t *data, size_t size, unsigned int number)
{
	size_t at = 0;

	while (number-- && size - at > HEAD) {
		size_t n = HEAD + nse_ld16(data + at + 1) + nse_ld16(data + at + 3) +
			   nse_ld16(data + at + 5);

		if (size - at < n + HEAD)
			break;
		at += n;
	}
	return at;
}

/* Changes anything, or the bytes of one part of one record and not its length. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t at = find_record(data, size, seed / 16 % 16);
	unsigned int part = seed / 4 % 4;
	size_t from = at + HEAD, n;

	if (seed % 4 == 0 || size - at < HEAD)
		return LLVMFuzzerMutate(data, size, max);
	if (part == 3)
		part = 1; /* bodies have most to tell */
	for (unsigned int i = 0; i < part; i++)
		from += nse_ld16(data + at + 1 + 2 * i);
	n = nse_ld16(data + at + 1 + 2 * part);
	if (from >= size || n == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (n > size - from)
		n = size - from;
	LLVMFuzzerMutate(data + from, n, n);
	return size;
}

static void append(struct nse_buf *b, const struct nse_record *rec)
{
	uint8_t kind = 0;

	while (!nse_kind_equal(kind_of(kind), rec->kind))
		kind++;
	sample_must(nse_buf_put_u8(b, kind));
	sample_must(nse_buf_put_u16(b, (uint16_t)rec->key.n));
	sample_must(nse_buf_put_u16(b, (uint16_t)rec->body.n));
	sample_must(nse_buf_put_u16(b, (uint16_t)rec->state.n));
	sample_must(nse_buf_put(b, rec->key.p, rec->key.n));
	sample_must(nse_buf_put(b, rec->body.p, rec->body.n));
	sample_must(nse_buf_put(b, rec->state.p, rec->state.n));
}

static void write_seed(const char *dir, unsigned int n, const struct nse_buf *b)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/records-%u", dir, n);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	if (fd < 0 || nse_fd_write(&fd, b->data, b->len) < 0)
		abort();
	close(fd);
}

/* Each record of the sample alone, and all of them together. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct nse_buf one = NSE_BUF_INIT(1u << 20), every = NSE_BUF_INIT(1u << 20);
	const char *dir = getenv("NSE_FUZZ_SEEDS");
	struct samples all;

	(void)argc;
	(void)argv;
	if (!dir)
		return 0;
	samples_make(&all);
	for (size_t i = 0; i < all.n; i++) {
		nse_buf_reset(&one);
		append(&one, &all.at[i].rec);
		append(&every, &all.at[i].rec);
		write_seed(dir, (unsigned int)i, &one);
	}
	write_seed(dir, (unsigned int)all.n, &every);
	nse_buf_release(&one);
	nse_buf_release(&every);
	samples_release(&all);
	return 0;
}
