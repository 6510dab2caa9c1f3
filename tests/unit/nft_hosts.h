/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rulesets of the real kernel: a text goes through nft(8) into a network
 * namespace of its own, and comes back as a graph or as a context.
 */
#ifndef TESTS_UNIT_NFT_HOSTS_H
#define TESTS_UNIT_NFT_HOSTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/context/context.h"
#include "lib/engine/nft/encode.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"

#include "tests/unit/shell.h"

/*
 * Goes into a new namespace with these interfaces (bridges) and loads the text,
 * or runs it when it is a script ("#!").
 */
static inline void nft_host_load(const char *const *devices, const char *text)
{
	const char *with = strncmp(text, "#!", 2) == 0 ? "sh -e" : "nft -f";
	char file[] = "/tmp/nsemig-nft-XXXXXX";
	int fd = mkstemp(file);
	ssize_t n = (ssize_t)strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(shell("ip link set lo up"), 0);
	for (; *devices; devices++)
		assert_int_equal(shell("ip link add %s type bridge", *devices), 0);
	if (shell("%s %s", with, file) != 0) {
		shell("%s %s >&2", with, file);
		unlink(file);
		fail_msg("%s does not take\n%s", with, text);
	}
	unlink(file);
}

static inline struct nft_ruleset *nft_host_ruleset(void)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nft_ruleset *rs = NULL;
	struct nse_error err;

	assert_int_equal(nse_nl_open(&nl, 0, 0, &err), 0);
	assert_int_equal(nft_ruleset_load(nl, NFT_ELEMENTS_ALL, &rs, &err), 0);
	return rs;
}

/* Everything in the present namespace. */
static inline struct nse_context *nft_host_context(void)
{
	struct nft_ruleset *rs = nft_host_ruleset();
	struct nse_context *ctx = nse_context_new();
	struct nft_encoder enc;
	struct nse_record rec;
	struct nse_error err;

	assert_non_null(ctx);
	assert_int_equal(nft_encoder_init(&enc, rs, NULL), 0);
	for (uint32_t i = 0; i < rs->n; i++) {
		const struct nft_node *n = &rs->nodes[i];

		assert_int_equal(nft_encode_node(&enc, i, false, &rec, &err), 0);
		assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
		for (uint32_t k = 0; n->type == NFT_SET && k < n->nelements; k++) {
			assert_int_equal(nft_encode_element(&enc, i, &n->elements[k],
							    false, &rec, &err),
					 0);
			assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
		}
	}
	nft_encoder_release(&enc);
	nft_ruleset_free(rs);
	return ctx;
}

#endif
