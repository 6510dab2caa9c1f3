/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names by a relocation map: of interfaces, of all interfaces with a common
 * beginning, and of things that are called after an interface.
 */
#include "lib/context/map.h"

#include <errno.h>
#include <string.h>

#define EMU "-emu" /* the device model's interface beside Xen's vif */

static bool equal(const char *s, const char *name, size_t n)
{
	return strlen(s) == n && memcmp(s, name, n) == 0;
}

static bool begins(const char *name, size_t n, const char *with, size_t len)
{
	return n >= len && memcmp(name, with, len) == 0;
}

/* Puts a, then n bytes of b. */
static int join(char to[IFNAMSIZ], const char *a, size_t na, const char *b, size_t nb)
{
	if (na + nb >= IFNAMSIZ)
		return -ENAMETOOLONG;
	memset(to, 0, IFNAMSIZ);
	memcpy(to, a, na);
	memcpy(to + na, b, nb);
	return 1;
}

int nse_map_ifname(const struct nse_map *m, const char *name, size_t n, char to[IFNAMSIZ])
{
	for (size_t i = 0; i < m->nvifs; i++) {
		const struct nse_map_vif *v = &m->vifs[i];
		size_t len = strlen(v->from);

		if (begins(name, n, v->from, len) &&
		    (n == len || equal(EMU, name + len, n - len)))
			return join(to, v->to, strlen(v->to), name + len, n - len);
	}
	return 0;
}

/* The domain's part of an interface's name, "vif5." of vif5.1; 0: it has none. */
static size_t stem(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? (size_t)(dot - name) + 1 : 0;
}

/* Would the pair make another prefix of it than `to`? */
static bool disagrees(const struct nse_map_vif *a, const struct nse_map_vif *b,
		      bool device)
{
	size_t from = stem(a->from), to = stem(a->to);

	if (stem(b->from) != from || memcmp(a->from, b->from, from) != 0)
		return false;
	return stem(b->to) != to || memcmp(a->to, b->to, to) != 0 ||
	       (device && strcmp(b->from + from, b->to + to) != 0);
}

/* n bytes with the pair's stem, or with it but for the dot, at their beginning. */
static int map_stem(const struct nse_map *m, const struct nse_map_vif *v,
		    const char *prefix, size_t n, char to[IFNAMSIZ])
{
	size_t from = stem(v->from), end = stem(v->to);

	if (end == 0)
		return -EINVAL;
	for (size_t i = 0; i < m->nvifs; i++)
		if (disagrees(v, &m->vifs[i], n > from))
			return -EINVAL;
	if (n < from)
		return join(to, v->to, end - 1, "", 0);
	return join(to, v->to, end, prefix + from, n - from);
}

int nse_map_ifprefix(const struct nse_map *m, const char *prefix, size_t n,
		     char to[IFNAMSIZ])
{
	for (size_t i = 0; i < m->nvifs; i++) {
		const struct nse_map_vif *v = &m->vifs[i];
		size_t len = strlen(v->from);

		if (begins(prefix, n, v->from, len) && (n == len || prefix[len] == '-'))
			return join(to, v->to, strlen(v->to), prefix + len, n - len);
	}
	for (size_t i = 0; i < m->nvifs; i++) {
		const struct nse_map_vif *v = &m->vifs[i];
		size_t len = stem(v->from);

		if (len > 1 && (begins(prefix, n, v->from, len) ||
				(n == len - 1 && memcmp(prefix, v->from, n) == 0)))
			return map_stem(m, v, prefix, n, to);
	}
	return 0;
}

static bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.';
}

/* The longest interface's name that stands at `at` as a whole word. */
static const struct nse_map_vif *word_at(const struct nse_map *m, const char *name,
					 size_t n, size_t at)
{
	const struct nse_map_vif *best = NULL;

	if (at > 0 && in_word(name[at - 1]))
		return NULL;
	for (size_t i = 0; i < m->nvifs; i++) {
		const struct nse_map_vif *v = &m->vifs[i];
		size_t len = strlen(v->from);

		if (begins(name + at, n - at, v->from, len) &&
		    (at + len == n || !in_word(name[at + len])) &&
		    (!best || len > strlen(best->from)))
			best = v;
	}
	return best;
}

int nse_map_name(const struct nse_map *m, const char *name, size_t n, struct nse_buf *to)
{
	size_t start = to->len, done = 0;
	int rc = 0;

	for (size_t i = 0; i < m->nnames; i++)
		if (equal(m->names[i].from, name, n))
			return nse_buf_put(to, m->names[i].to, strlen(m->names[i].to))
				       ?: 1;
	for (size_t at = 0; at < n && rc == 0; at++) {
		const struct nse_map_vif *v = word_at(m, name, n, at);

		if (!v)
			continue;
		rc = nse_buf_put(to, name + done, at - done)
			     ?: nse_buf_put(to, v->to, strlen(v->to));
		done = at + strlen(v->from);
		at = done - 1;
	}
	if (rc == 0 && done)
		rc = nse_buf_put(to, name + done, n - done);
	if (rc < 0)
		to->len = start;
	return rc < 0 ? rc : done > 0;
}
