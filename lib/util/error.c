/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one place where error texts are put together.
 */
#include "lib/util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void begin(struct nse_error *err, int code)
{
	err->code = code;
	err->state[0] = err->advice[0] = '\0';
}

int nse_error(struct nse_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	begin(err, code);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int nse_errno(struct nse_error *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (!err)
		return code;
	begin(err, code);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(-code));
	return code;
}

void nse_error_add(struct nse_error *err, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	if (!err)
		return;
	n = strlen(err->text);
	va_start(ap, fmt);
	vsnprintf(err->text + n, sizeof(err->text) - n, fmt, ap);
	va_end(ap);
}

int nse_advise(struct nse_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -EIO;
	if (err->advice[0])
		return err->code;
	va_start(ap, fmt);
	vsnprintf(err->advice, sizeof(err->advice), fmt, ap);
	va_end(ap);
	return err->code;
}

int nse_error_prefix(struct nse_error *err, const char *fmt, ...)
{
	char old[NSE_ERROR_MAX];
	va_list ap;
	size_t len;

	if (!err)
		return -EIO;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	return err->code;
}
