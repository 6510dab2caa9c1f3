/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was installed ahead gets its own time when the domain runs here, but for what
 * packets have met since; in the real kernel's table, each test in network namespaces
 * of its own.
 */
#include "tests/unit/ct_rounds.h"

#include <sys/socket.h>
#include <sys/time.h>

static void exact_times(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry plain = flow(IPPROTO_TCP, 1000, 500), live;
	struct ct_entry over = flow(IPPROTO_UDP, 1001, 50);
	struct ct_entry met = flow(IPPROTO_TCP, 1002, 500);
	struct ct_entry fixed = flow(IPPROTO_UDP, 1003, 700);
	struct ct_entry liberal = flow(IPPROTO_TCP, 1004, 600);
	struct ct_entry gone = flow(IPPROTO_TCP, 1005, 90);
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	fixed.status = IPS_FIXED_TIMEOUT;
	liberal.tcp.flags[0] |= CT_TCP_BE_LIBERAL;
	put(a, &plain);
	put(a, &over);
	put(a, &met);
	put(a, &fixed);
	put(a, &liberal);
	put(a, &gone);
	install(&job, a, NSE_JOB_AHEAD);
	assert_int_equal(job.created, 5);
	assert_false(look(&fixed, &live));
	job.flags = AT_COMMIT;
	assert_int_equal(ct->install(&job, NULL), 0);
	assert_int_equal(job.created, 6);
	assert_lives(&fixed, 700, start);
	meet(&met, 3000);
	sh("conntrack -D -p tcp --sport 1005");
	job.taken_us = nse_now_us() - 100 * 1000000LL;
	settle(&job);
	assert_lives(&plain, 400, start);
	assert_lives(&liberal, 500, start);
	assert_lives(&met, 3000, start);
	assert_lives(&fixed, 700, start);
	if (look(&over, &live))
		assert_in_range(live.timeout, 0, 1);
	assert_true(look(&liberal, &live));
	assert_int_equal(live.tcp.flags[0], 0x0b);
	assert_int_equal(live.tcp.flags[1], 0x03);
	assert_true(look(&met, &live));
	assert_int_equal(live.tcp.flags[0], 0x03);
	verify(&job, 6, 0);
	nse_job_release(&job);
}

/* A datagram from the entry's source to its destination, on this host. */
static void send_datagram(uint16_t from, uint16_t to)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(to) };
	struct sockaddr_in b = a;
	int in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct timeval most = { .tv_sec = 5 };
	char c = 'x';

	setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	b.sin_port = htons(from);
	assert_int_equal(bind(in, (void *)&a, sizeof(a)), 0);
	assert_int_equal(bind(out, (void *)&b, sizeof(b)), 0);
	assert_int_equal(sendto(out, &c, 1, 0, (void *)&a, sizeof(a)), 1);
	assert_int_equal(recv(in, &c, 1, 0), 1);
	close(in);
	close(out);
}

static void what_a_packet_met_stays(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry met = flow(IPPROTO_UDP, 4001, 500), live;
	struct ct_entry unmet = flow(IPPROTO_UDP, 4002, 500);
	struct ct_entry *both[] = { &met, &unmet };
	struct nse_job job;
	uint32_t slots[2];

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (int i = 0; i < 2; i++) {
		memcpy(both[i]->orig.src, "\x7f\x00\x00\x01", 4);
		memcpy(both[i]->orig.dst, "\x7f\x00\x00\x01", 4);
		ct_invert(4, IPPROTO_UDP, &both[i]->orig, &both[i]->reply);
		slots[i] = put(a, both[i]);
	}
	install(&job, a, NSE_JOB_AHEAD);
	assert_int_equal(job.created, 2);
	send_datagram(4001, 80);
	assert_int_equal(table_count(), 2); /* it was this entry that was met */
	assert_true(look(&met, &live));
	assert_in_range(live.timeout, 1, 3600);
	job.flags |= NSE_JOB_UNMET;
	on_slots(ct->undo, &job, slots, 2);
	job.flags &= ~(unsigned int)NSE_JOB_UNMET;
	assert_int_equal(job.created, 1);
	assert_int_equal(job.outcome[slots[0]], NSE_CREATED);
	assert_int_equal(job.outcome[slots[1]], NSE_UNTOUCHED);
	assert_false(look(&unmet, &live));
	on_slots(ct->install, &job, &slots[1], 1);
	assert_int_equal(job.created, 2);
	settle(&job);
	assert_lives(&unmet, 500, start);
	assert_true(look(&met, &live));
	assert_in_range(live.timeout, 1, 3600);
	verify(&job, 2, 0);
	nse_job_release(&job);
}

static void what_exists_is_not_ours(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry e = flow(IPPROTO_TCP, 1000, 300), live;
	struct nf_conntrack *c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	tcp_info(c, 3, 7, 9, 0x0b, 0x0b);
	add(c);
	put(a, &e);
	install(&job, a, NSE_JOB_AHEAD);
	assert_int_equal(job.kept, 1);
	settle(&job);
	assert_lives(&e, 500, start);
	assert_true(look(&e, &live));
	assert_int_equal(live.tcp.flags[0], 0x0b);
	nse_job_release(&job);
}

static void settled_by_a_dump(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	const uint32_t n = 20000;
	struct nse_record rec;
	struct nse_job job;
	struct ct_entry e;
	uint32_t met = 0;

	(void)state;
	NETNS();
	nft(RULES_CT);
	put_many(a, n, 1000);
	install(&job, a, NSE_JOB_AHEAD);
	assert_int_equal(job.created, n);
	for (uint32_t s = 0; s < n; s += 1000) {
		assert_true(nse_context_at(a, s, &rec));
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		meet(&e, 5000);
	}
	settle(&job);
	b = collect_all();
	assert_int_equal(nse_context_count(b), n);
	for (uint32_t s = 0; s < nse_context_slots(b); s++) {
		assert_true(nse_context_at(b, s, &rec));
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		met += e.timeout > 1000;
		assert_in_range(e.timeout, e.timeout > 1000 ? 4900 : 900,
				e.timeout > 1000 ? 5000 : 1000);
	}
	assert_int_equal(met, n / 1000);
	verify(&job, n, 0);
	nse_job_release(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_times),
		cmocka_unit_test(what_a_packet_met_stays),
		cmocka_unit_test(what_exists_is_not_ours),
		cmocka_unit_test(settled_by_a_dump),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
