/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fills the connection-tracking table of this namespace: entries N [ADDR], N TCP
 * entries of the lab's VM or of ADDR, for tests of what lasts.
 */
#include <arpa/inet.h>

#include "tests/bench/ct_raw.h"

#define SEED 1

int main(int argc, char **argv)
{
	struct raw_batches b = { 0 };
	uint8_t addr[4];
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	if (n <= 0 || (argc > 2 && inet_pton(AF_INET, argv[2], addr) != 1)) {
		fprintf(stderr, "usage: entries N [ADDR]\n");
		return 2;
	}
	raw_prebuild(&b, SEED, (uint32_t)n, argc > 2 ? addr : NULL);
	raw_load(&b);
	free(b.msgs);
	return 0;
}
