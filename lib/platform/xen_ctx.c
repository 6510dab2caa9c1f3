/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening libxenlight and xenstore, and reading single facts.
 */
#include "lib/platform/xen_ctx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(xentoollog_logger *logger, xentoollog_level level, int errnoval,
		 const char *context, const char *format, va_list al)
	__attribute__((format(printf, 5, 0)));

static void keep(xentoollog_logger *logger, xentoollog_level level, int errnoval,
		 const char *context, const char *format, va_list al)
{
	struct nse_xen_log *log = (struct nse_xen_log *)logger;
	size_t len;

	if (level < XTL_ERROR || log->first[0])
		return;
	snprintf(log->first, sizeof(log->first), "%s%s", context ? context : "",
		 context ? ": " : "");
	len = strlen(log->first);
	vsnprintf(log->first + len, sizeof(log->first) - len, format, al);
	len = strlen(log->first);
	if (errnoval >= 0)
		snprintf(log->first + len, sizeof(log->first) - len, ": %s",
			 strerror(errnoval));
}

static void discard(xentoollog_logger *logger)
{
	free(logger);
}

int nse_xen_error(struct nse_xen_ctx *x, struct nse_error *err, int code, const char *fmt,
		  ...)
{
	char text[NSE_ERROR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	nse_error(err, code, "%s%s%s%s", text, x->log->first[0] ? " (" : "",
		  x->log->first, x->log->first[0] ? ")" : "");
	x->log->first[0] = '\0';
	return code;
}

int nse_xen_ctx_open(struct nse_xen_ctx *x, struct nse_error *err)
{
	int rc;

	memset(x, 0, sizeof(*x));
	x->log = calloc(1, sizeof(*x->log));
	if (!x->log)
		return nse_error(err, -ENOMEM, "out of memory");
	x->log->base.vmessage = keep;
	x->log->base.destroy = discard;
	if (libxl_ctx_alloc(&x->libxl, LIBXL_VERSION, 0, &x->log->base) != 0) {
		x->libxl = NULL;
		rc = nse_xen_error(x, err, -EIO,
				   "cannot open libxenlight: is this dom0, and does "
				   "xenstored run?");
		nse_xen_ctx_close(x);
		return rc;
	}
	x->xs = xs_open(0);
	if (!x->xs) {
		rc = nse_errno(err, -errno, "cannot reach xenstored");
		nse_xen_ctx_close(x);
		return rc;
	}
	return 0;
}

void nse_xen_ctx_close(struct nse_xen_ctx *x)
{
	if (x->xs)
		xs_close(x->xs);
	if (x->libxl)
		libxl_ctx_free(x->libxl);
	free(x->log);
	memset(x, 0, sizeof(*x));
}

void nse_xen_own_children(struct nse_xen_ctx *x)
{
	static const libxl_childproc_hooks hooks = {
		.chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
	};

	libxl_childproc_setmode(x->libxl, &hooks, NULL);
}

int nse_xen_info(struct nse_xen_ctx *x, uint32_t domid, libxl_dominfo *info)
{
	int rc;

	libxl_dominfo_init(info);
	x->log->first[0] = '\0';
	rc = libxl_domain_info(x->libxl, info, domid);
	if (rc == 0)
		return 0;
	return rc == ERROR_DOMAIN_NOTFOUND ? -ENOENT : -EIO;
}

bool nse_xen_is_suspended(const libxl_dominfo *info)
{
	return info->shutdown && info->shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND;
}

char *nse_xen_read(struct nse_xen_ctx *x, const char *fmt, ...)
{
	unsigned int len;
	char path[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path))
		return NULL;
	return xs_read(x->xs, XBT_NULL, path, &len);
}
