/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of the session over a real socket pair: framing in pieces, hostile
 * lengths and types, silence, keepalive, the greeting, the table of states.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/session/protocol.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

struct pair {
	struct nse_channel a, b;
	int fd[2];
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->fd), 0);
	nse_channel_init(&p->a, p->fd[0], p->fd[0]);
	nse_channel_init(&p->b, p->fd[1], p->fd[1]);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	nse_channel_release(&p->a);
	nse_channel_release(&p->b);
	close(p->fd[0]);
	if (p->fd[1] >= 0)
		close(p->fd[1]);
	free(p);
	return 0;
}

static int64_t soon(void)
{
	return nse_now_us() + 2000000;
}

static void test_messages_arrive_whole(void **state)
{
	struct pair *p = *state;
	struct nse_error err = { 0 };
	struct nse_incoming msg;
	char big[100000];
	json_t *obj;

	memset(big, 'x', sizeof(big));
	assert_int_equal(nse_channel_send_json(&p->a, NSE_MSG_HELLO,
					       json_pack("{s:i}", "protocol", 1), &err),
			 0);
	assert_int_equal(nse_channel_receive(&p->b, soon(), &msg, &err), 0);
	assert_int_equal(msg.type, NSE_MSG_HELLO);
	obj = nse_incoming_json(&msg, &err);
	assert_int_equal(json_integer_value(json_object_get(obj, "protocol")), 1);
	json_decref(obj);
	assert_int_equal(nse_channel_write_context(&p->a, big, sizeof(big)), 0);
	assert_int_equal(nse_channel_receive(&p->b, soon(), &msg, &err), 0);
	assert_int_equal(msg.type, NSE_MSG_CONTEXT);
	assert_int_equal(msg.n, sizeof(big));
	assert_memory_equal(msg.payload, big, sizeof(big));
}

static void test_pieces(void **state)
{
	struct pair *p = *state;
	static const uint8_t raw[] = { 0, 0, 0, 2, 0, NSE_MSG_ABORT, 0, 0, '{', '}' };
	struct nse_error err = { 0 };
	struct nse_incoming msg;

	for (size_t i = 0; i < sizeof(raw); i++) {
		assert_int_equal(nse_channel_poll(&p->b, &msg, &err), -EAGAIN);
		assert_int_equal(nse_write_full(p->fd[0], raw + i, 1, soon()), 0);
	}
	assert_int_equal(nse_channel_poll(&p->b, &msg, &err), 0);
	assert_int_equal(msg.type, NSE_MSG_ABORT);
}

static void refuse(struct pair *p, const uint8_t *raw, size_t n)
{
	struct nse_error err = { 0 };
	struct nse_incoming msg;

	assert_int_equal(nse_write_full(p->fd[0], raw, n, soon()), 0);
	assert_int_equal(nse_channel_receive(&p->b, soon(), &msg, &err), -EPROTO);
	assert_true(err.text[0]);
}

static void test_too_long(void **state)
{
	static const uint8_t raw[] = { 0x40, 0, 0, 0, 0, NSE_MSG_HELLO, 0, 0 };

	refuse(*state, raw, sizeof(raw));
}

static void test_unknown_type(void **state)
{
	static const uint8_t raw[] = { 0, 0, 0, 0, 0, NSE_MSG_COUNT, 0, 0 };

	refuse(*state, raw, sizeof(raw));
}

static void test_reserved_bytes(void **state)
{
	static const uint8_t raw[] = { 0, 0, 0, 0, 0, NSE_MSG_HELLO, 0, 1 };

	refuse(*state, raw, sizeof(raw));
}

static void test_not_json(void **state)
{
	struct pair *p = *state;
	struct nse_error err = { 0 };
	struct nse_incoming msg;

	assert_int_equal(nse_channel_send(&p->a, NSE_MSG_OFFER, "[1", 2, &err), 0);
	assert_int_equal(nse_channel_receive(&p->b, soon(), &msg, &err), 0);
	assert_null(nse_incoming_json(&msg, &err));
	assert_int_equal(err.code, -EPROTO);
}

static void test_silence_and_end(void **state)
{
	struct pair *p = *state;
	struct nse_error err = { 0 };
	struct nse_incoming msg;

	assert_int_equal(nse_channel_receive(&p->a, nse_now_us() + 20000, &msg, &err),
			 -ETIMEDOUT);
	p->a.silence_us = 50000;
	p->a.heard_us = nse_now_us();
	assert_int_equal(nse_channel_receive(&p->a, NSE_FOREVER, &msg, &err), -EHOSTDOWN);
	close(p->fd[1]);
	p->fd[1] = -1;
	p->a.silence_us = 0;
	assert_int_equal(nse_channel_receive(&p->a, soon(), &msg, &err), -EPIPE);
}

static void test_keepalive(void **state)
{
	struct pair *p = *state;
	struct nse_error err = { 0 };
	struct nse_incoming msg;

	p->a.ping_us = 10000;
	assert_int_equal(nse_channel_receive(&p->a, nse_now_us() + 50000, &msg, &err),
			 -ETIMEDOUT);
	/* b answers the pings that came, and a swallows the answers. */
	assert_int_equal(nse_channel_poll(&p->b, &msg, &err), -EAGAIN);
	p->a.heard_us = 0;
	assert_int_equal(nse_channel_poll(&p->a, &msg, &err), -EAGAIN);
	assert_true(p->a.heard_us > 0);
}

static void greet(struct pair *p, const char *text, bool hang_up)
{
	assert_int_equal(nse_write_full(p->fd[1], text, strlen(text), soon()), 0);
	if (hang_up) {
		close(p->fd[1]);
		p->fd[1] = -1;
	}
}

static void test_greeting(void **state)
{
	struct pair *p = *state;
	struct nse_error err = { 0 };
	struct nse_incoming msg;

	greet(p, NSE_PROTOCOL_GREETING, false);
	assert_int_equal(nse_channel_send(&p->b, NSE_MSG_BYE, NULL, 0, &err), 0);
	assert_int_equal(nse_channel_greeting(&p->a, soon(), &err), 0);
	assert_int_equal(nse_channel_receive(&p->a, soon(), &msg, &err), 0);
	assert_int_equal(msg.type, NSE_MSG_BYE);
}

static void test_greeting_of_another_version(void **state)
{
	struct nse_error err = { 0 };

	greet(*state, "nsemig-session 7\n", false);
	assert_int_equal(nse_channel_greeting(&((struct pair *)*state)->a, soon(), &err),
			 -EPROTONOSUPPORT);
	assert_non_null(strstr(err.advice, "same nsemig version"));
}

static void test_greeting_of_a_shell(void **state)
{
	struct nse_error err = { 0 };

	greet(*state, "Welcome to hostB\n", false);
	assert_int_equal(nse_channel_greeting(&((struct pair *)*state)->a, soon(), &err),
			 -EPROTO);
	assert_non_null(strstr(err.text, "Welcome to hostB"));
}

static void test_no_greeting(void **state)
{
	struct nse_error err = { 0 };

	greet(*state, "", true);
	assert_int_equal(nse_channel_greeting(&((struct pair *)*state)->a, soon(), &err),
			 -EPIPE);
	assert_non_null(strstr(err.advice, "installed"));
}

static void test_states(void **state)
{
	(void)state;
	assert_true(nse_message_legal(NSE_ST_HELLO, NSE_MSG_HELLO));
	assert_false(nse_message_legal(NSE_ST_HELLO, NSE_MSG_CONTEXT));
	assert_false(nse_message_legal(NSE_ST_GATHER, NSE_MSG_COMMIT));
	assert_true(nse_message_legal(NSE_ST_FROZEN, NSE_MSG_COMMIT));
	assert_false(nse_message_legal(NSE_ST_COMMITTED, NSE_MSG_COMMIT));
	assert_false(nse_message_legal(NSE_ST_SETTLED, NSE_MSG_ABORT));
	for (int m = 0; m < NSE_MSG_COUNT; m++)
		assert_false(nse_message_legal(NSE_ST_CLOSED, m));
	assert_false(nse_message_legal(NSE_ST_COUNT, NSE_MSG_HELLO));
	assert_false(nse_message_legal(NSE_ST_HELLO, 77));
}

#define WITH_PAIR(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(test_messages_arrive_whole),
		WITH_PAIR(test_pieces),
		WITH_PAIR(test_too_long),
		WITH_PAIR(test_unknown_type),
		WITH_PAIR(test_reserved_bytes),
		WITH_PAIR(test_not_json),
		WITH_PAIR(test_silence_and_end),
		WITH_PAIR(test_keepalive),
		WITH_PAIR(test_greeting),
		WITH_PAIR(test_greeting_of_another_version),
		WITH_PAIR(test_greeting_of_a_shell),
		WITH_PAIR(test_no_greeting),
		cmocka_unit_test(test_states),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
