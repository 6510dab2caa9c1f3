/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The header of a stream: what it is, where and when it was made, for which
 * scope. JSON, so that later versions can add members.
 */
#include "lib/context/stream_header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib/util/cleanup.h"

static const char *const kinds[] = {
	[NSE_STREAM_SNAPSHOT] = "snapshot",
	[NSE_STREAM_DELTA] = "delta",
};

void nse_stream_header_init(struct nse_stream_header *h)
{
	memset(h, 0, sizeof(*h));
	nse_scope_init(&h->scope);
}

void nse_stream_header_release(struct nse_stream_header *h)
{
	if (!h)
		return;
	nse_scope_release(&h->scope);
	nse_stream_header_init(h);
}

void nse_stream_header_now(struct nse_stream_header *h)
{
	struct timespec ts;
	struct utsname u;

	if (uname(&u) == 0) {
		snprintf(h->host, sizeof(h->host), "%s", u.nodename);
		snprintf(h->kernel, sizeof(h->kernel), "%s", u.release);
	}
	snprintf(h->version, sizeof(h->version), "%s", NSEMIG_VERSION);
	clock_gettime(CLOCK_REALTIME, &ts);
	h->taken_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int set_digest(json_t *json, const char *field, uint64_t digest)
{
	char hex[17];

	snprintf(hex, sizeof(hex), "%016" PRIx64, digest);
	return json_object_set_new(json, field, json_string(hex));
}

int nse_stream_header_encode(const struct nse_stream_header *h, char **text,
			     struct nse_error *err)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "kind", kinds[h->kind],
				 "host", h->host, "kernel", h->kernel, "version",
				 h->version, "taken_us", (json_int_t)h->taken_us, "scope",
				 nse_scope_to_json(&h->scope));
	int rc = json ? 0 : -EINVAL;

	if (rc == 0 && h->kind == NSE_STREAM_DELTA &&
	    (set_digest(json, "base", h->base_digest) < 0 ||
	     set_digest(json, "result", h->result_digest) < 0))
		rc = -ENOMEM;
	*text = rc == 0 ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (rc == -EINVAL)
		return nse_error(err, rc,
				 "the stream's header cannot be written: a name in it is "
				 "not UTF-8");
	if (!*text)
		return nse_error(err, -ENOMEM, "out of memory");
	if (strlen(*text) <= NSE_STREAM_MAX_HEADER)
		return 0;
	free(nse_take(*text));
	return nse_error(err, -EMSGSIZE, "the stream's header is above the limit of %u",
			 NSE_STREAM_MAX_HEADER);
}

static int get_text(const json_t *json, const char *field, char *out, size_t room,
		    struct nse_error *err)
{
	const json_t *v = json_object_get(json, field);
	const char *s = json_string_value(v);

	if (!s || json_string_length(v) >= room)
		return nse_error(err, -EBADMSG,
				 "header: \"%s\" is not a string below %zu bytes", field,
				 room);
	for (size_t i = 0; s[i]; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return nse_error(err, -EBADMSG,
					 "header: \"%s\" has a control character", field);
	memcpy(out, s, json_string_length(v) + 1);
	return 0;
}

static int get_digest(const json_t *json, const char *field, uint64_t *digest,
		      struct nse_error *err)
{
	char hex[17];
	int rc = get_text(json, field, hex, sizeof(hex), err);

	if (rc < 0)
		return rc;
	if (strlen(hex) != 16 || strspn(hex, "0123456789abcdef") != 16)
		return nse_error(err, -EBADMSG,
				 "header: \"%s\" is not 16 hexadecimal digits", field);
	*digest = strtoull(hex, NULL, 16);
	return 0;
}

static int get_kind(const json_t *json, enum nse_stream_kind *kind, struct nse_error *err)
{
	char name[16];
	int rc = get_text(json, "kind", name, sizeof(name), err);

	if (rc < 0)
		return rc;
	for (unsigned int i = 0; i < NSE_ARRAY_SIZE(kinds); i++) {
		if (strcmp(name, kinds[i]) == 0) {
			*kind = (enum nse_stream_kind)i;
			return 0;
		}
	}
	return nse_error(err, -EPROTONOSUPPORT,
			 "made by a newer nsemig: streams of kind '%s' are unknown",
			 name);
}

static int fill(struct nse_stream_header *h, const json_t *json, struct nse_error *err)
{
	const json_t *taken = json_object_get(json, "taken_us");
	int rc;

	if (!json_is_object(json))
		return nse_error(err, -EBADMSG, "header: not a JSON object");
	if ((rc = get_kind(json, &h->kind, err)) < 0 ||
	    (rc = get_text(json, "host", h->host, sizeof(h->host), err)) < 0 ||
	    (rc = get_text(json, "kernel", h->kernel, sizeof(h->kernel), err)) < 0 ||
	    (rc = get_text(json, "version", h->version, sizeof(h->version), err)) < 0)
		return rc;
	if (!json_is_integer(taken) || json_integer_value(taken) < 0)
		return nse_error(err, -EBADMSG, "header: \"taken_us\" is not a time");
	h->taken_us = json_integer_value(taken);
	if (h->kind == NSE_STREAM_DELTA &&
	    ((rc = get_digest(json, "base", &h->base_digest, err)) < 0 ||
	     (rc = get_digest(json, "result", &h->result_digest, err)) < 0))
		return rc;
	rc = nse_scope_from_json(json_object_get(json, "scope"), &h->scope, err);
	if (rc == -EPROTO) {
		rc = -EBADMSG;
		if (err)
			err->code = rc;
	}
	return rc;
}

int nse_stream_header_decode(struct nse_stream_header *h, struct nse_cur text,
			     struct nse_error *err)
{
	json_error_t where;
	json_t *json;
	int rc;

	if (nse_cur_left(&text) > NSE_STREAM_MAX_HEADER)
		return nse_error(err, -EMSGSIZE,
				 "header: %zu bytes are above the limit of %u",
				 nse_cur_left(&text), NSE_STREAM_MAX_HEADER);
	json = json_loadb((const char *)text.p, nse_cur_left(&text),
			  JSON_REJECT_DUPLICATES, &where);
	if (!json)
		return nse_error(err, -EBADMSG, "header: not JSON, at byte %d: %s",
				 where.position, where.text);
	rc = fill(h, json, err);
	json_decref(json);
	return rc;
}
