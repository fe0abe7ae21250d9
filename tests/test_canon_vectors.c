/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published vectors against the canonicaliser: WHATWG's URL parser, UTS-46,
 * Safe Browsing, address literals. tests/vectors/README.md says whose they are.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "engine/canon.h"
#include "engine/canon_domain.h"
#include "engine/canon_url.h"

/* cJSON ends a string at \u0000; the file's copy in memory has this point instead. */
#define NUL_STANDS "\\ue000"
#define NUL_UTF8 "\xee\x80\x80"

static char *
file_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	long size = ftell(file);
	rewind(file);
	char *text = calloc(1, (size_t)size + 16);
	ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	return text;
}

static bool
surrogate_at(const char *text, char low, char high)
{
	char third = (char)(text[3] | 0x20);
	return text[0] == '\\' && text[1] == 'u' && (text[2] | 0x20) == 'd' && third >= low &&
	       third <= high;
}

/* JSON that cJSON takes: lone surrogates are U+FFFD as in a USVString, NUL stands aside. */
static cJSON *
json_read(const char *path)
{
	char *text = file_read(path);
	for (char *at = text; *at != '\0'; at++) {
		if (at[0] == '\\' && at[1] != 'u') {
			at++;
			continue;
		}
		if (strncmp(at, "\\u0000", 6) == 0)
			memcpy(at, NUL_STANDS, 6);
		if (surrogate_at(at, '8', 'b') && surrogate_at(at + 6, 'c', 'f'))
			at += 11;
		else if (surrogate_at(at, '8', 'f'))
			memcpy(at, "\\ufffd", 6);
	}
	cJSON *json = cJSON_Parse(text);
	ck_assert_msg(json != NULL, "%s is not JSON near: %.40s", path, cJSON_GetErrorPtr());
	free(text);
	return json;
}

static size_t
nul_restore(const char *text, char *out)
{
	size_t used = 0;
	for (; *text != '\0'; text++) {
		bool stands = strncmp(text, NUL_UTF8, 3) == 0;
		out[used++] = stands ? '\0' : *text;
		text += stands ? 2 : 0;
	}
	return used;
}

static const char *
json_text(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* canon_key, then again on its own print: nothing may change. */
static enum status
key_twice(const char *text, size_t length, char *out)
{
	static struct key key, again;
	static char second[KEY_PRINT_BYTES];
	struct fault fault;
	enum status status = canon_key(KIND_URL, text, length, NULL, &key, &fault);
	if (status != STATUS_OK)
		return status;
	size_t printed = key_print(&key, out);
	status = canon_key(KIND_URL, out, printed, NULL, &again, &fault);
	ck_assert_msg(status == STATUS_OK, "%s is refused the second time: %s", out, fault.text);
	key_print(&again, second);
	ck_assert_str_eq(out, second);
	return STATUS_OK;
}

static const char *const special[] = {"http", "https", "ftp", "ws", "wss"};

/* Length of a special scheme at the start, ignoring what WHATWG drops; 0 if another. */
static size_t
scheme_of(const char *text, char *out)
{
	size_t used = 0;
	while (*text != '\0' && (unsigned char)*text <= ' ')
		text++;
	for (; *text != '\0' && used < 12; text++)
		if (strchr("\t\r\n", *text) == NULL)
			out[used++] = *text;
	out[used] = '\0';
	char *colon = strchr(out, ':');
	for (size_t i = 0; colon != NULL && i < 5; i++)
		if ((size_t)(colon - out) == strlen(special[i]) &&
		    strncasecmp(out, special[i], strlen(special[i])) == 0)
			return strlen(special[i]);
	return 0;
}

/* A special URL that means the same whatever its base is. */
static bool
is_absolute(const cJSON *item)
{
	char text[16], base[16];
	size_t size = scheme_of(json_text(item, "input"), text);
	const char *base_text = json_text(item, "base");
	if (size == 0 || base_text == NULL || strncmp(text + size + 1, "//", 2) == 0 ||
	    strncmp(text + size + 1, "\\\\", 2) == 0)
		return size != 0;
	size_t base_size = scheme_of(base_text, base);
	return base_size != size || strncasecmp(text, base, size) != 0;
}

static void
parse_compare(const cJSON *item, const char *input, size_t length)
{
	static struct canon_url url;
	struct canon_run run = {.use = CANON_QUERY};
	char *work = malloc(length + CANON_URL_ROOM), *path = malloc(3 * length + 16);
	while (length > 0 && (unsigned char)*input <= ' ') {
		input++;
		length--;
	}
	while (length > 0 && (unsigned char)input[length - 1] <= ' ')
		length--;
	memcpy(work, input, length);
	ck_assert_msg(canon_url_prepare(&run, work, &length) == STATUS_OK &&
			      canon_url_parse(work, length, CANON_HOST_WHATWG, &url, NULL) ==
				      STATUS_OK,
		      "refused: %s", json_text(item, "input"));
	ck_assert_uint_eq(run.notes, 0);
	const char *host = json_text(item, "hostname");
	ck_assert_msg(strlen(host) == url.host_length &&
			      memcmp(host, url.host, url.host_length) == 0,
		      "%s: host %.*s, not %s", json_text(item, "input"), (int)url.host_length,
		      url.host, host);
	path[canon_url_path(&url, path)] = '\0';
	ck_assert_msg(strcmp(path, json_text(item, "pathname")) == 0, "%s: path %s, not %s",
		      json_text(item, "input"), path, json_text(item, "pathname"));
	free(work);
	free(path);
}

/* docs/canonical.md, deviations: parsed as WHATWG does, but no host is left by Safe Browsing's
 * rules. */
static const char *const no_form[] = {"http://./", "http://../", "http://foo.09.."};

static bool
has_form(const char *text)
{
	for (size_t i = 0; i < sizeof(no_form) / sizeof(no_form[0]); i++)
		if (strcmp(text, no_form[i]) == 0)
			return false;
	return true;
}

START_TEST(whatwg_urls)
{
	cJSON *json = json_read("tests/vectors/urltestdata.json");
	const cJSON *item;
	int valid = 0, invalid = 0, formless = 0;
	char out[KEY_PRINT_BYTES];
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsObject(item) || !is_absolute(item))
			continue;
		const char *text = json_text(item, "input");
		char *input = malloc(strlen(text) + 1);
		size_t length = nul_restore(text, input);
		enum status status = key_twice(input, length, out);
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "failure"))) {
			invalid++;
			ck_assert_msg(status != STATUS_OK, "%s is accepted as %s", text, out);
		} else {
			valid++;
			parse_compare(item, input, length);
			formless += !has_form(text);
			ck_assert_msg((status == STATUS_OK) == has_form(text), "%s", text);
		}
		free(input);
	}
	printf("whatwg: %d valid, %d invalid, %d valid without a form\n", valid, invalid, formless);
	ck_assert_int_eq(formless, 3);
	ck_assert_int_ge(valid, 200);
	ck_assert_int_ge(invalid, 150);
	cJSON_Delete(json);
}
END_TEST

static void
idna_file(const char *path, int least)
{
	cJSON *json = json_read(path);
	const cJSON *item;
	int count = 0;
	static char out[CANON_HOST_BYTES + 1], again[CANON_HOST_BYTES + 1];
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsObject(item))
			continue;
		char input[1024];
		size_t used, length = nul_restore(json_text(item, "input"), input);
		const char *want = json_text(item, "output");
		enum status status = canon_domain_ascii(input, length, out, &used);
		count++;
		if (want == NULL) {
			ck_assert_msg(status == STATUS_BAD_DOMAIN, "%s is accepted", input);
			continue;
		}
		ck_assert_msg(status == STATUS_OK, "%s is refused", json_text(item, "input"));
		out[used] = '\0';
		ck_assert_str_eq(out, want);
		ck_assert_int_eq(canon_domain_ascii(out, used, again, &used), STATUS_OK);
		again[used] = '\0';
		ck_assert_str_eq(again, want);
	}
	printf("%s: %d cases\n", path, count);
	ck_assert_int_ge(count, least);
	cJSON_Delete(json);
}

START_TEST(uts46_names)
{
	idna_file("tests/vectors/toascii.json", 80);
	idna_file("tests/vectors/IdnaTestV2-even.json", 1300);
}
END_TEST

/* The same through URLs: what a browser refuses as a host is no host here. */
START_TEST(uts46_hosts)
{
	cJSON *json = json_read("tests/vectors/toascii.json");
	const cJSON *item;
	char out[KEY_PRINT_BYTES];
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsObject(item))
			continue;
		char name[1024], text[2048] = "http://";
		size_t length = nul_restore(json_text(item, "input"), name);
		memcpy(text + 7, name, length);
		memcpy(text + 7 + length, "/x", 2);
		enum status status = key_twice(text, length + 9, out);
		ck_assert_msg((status == STATUS_OK) == (json_text(item, "output") != NULL), "%s",
			      name);
	}
	cJSON_Delete(json);
}
END_TEST

static size_t
hex_decode(const char *hex, char *out)
{
	size_t length = strlen(hex) / 2;
	for (size_t i = 0; i < length; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		out[i] = (char)strtoul(digits, NULL, 16);
	}
	return length;
}

START_TEST(safe_browsing_table)
{
	cJSON *json = json_read("tests/vectors/gsb-spec-canonicalization.json");
	const cJSON *item;
	char out[KEY_PRINT_BYTES], input[1024], want[1024];
	int count = 0;
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "cases"))
	{
		const char *text = cJSON_GetArrayItem(item, 0)->valuestring;
		ck_assert_msg(key_twice(text, strlen(text), out) == STATUS_OK, "%s", text);
		ck_assert_str_eq(out, cJSON_GetArrayItem(item, 1)->valuestring);
		count++;
	}
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "bytes_hex"))
	{
		size_t length = hex_decode(cJSON_GetArrayItem(item, 0)->valuestring, input);
		want[hex_decode(cJSON_GetArrayItem(item, 1)->valuestring, want)] = '\0';
		ck_assert_int_eq(key_twice(input, length, out), STATUS_OK);
		ck_assert_str_eq(out, want);
		count++;
	}
	ck_assert_int_eq(count, 33);
	cJSON_Delete(json);
}
END_TEST

static void
host_of(const char *text, char *host)
{
	static struct key key;
	*host = '\0';
	if (canon_key(KIND_URL, text, strlen(text), NULL, &key, NULL) == STATUS_OK) {
		memcpy(host, key_text(&key) + key.host_offset, key.host_length);
		host[key.host_length] = '\0';
	}
}

START_TEST(safe_browsing_hosts)
{
	cJSON *json = json_read("tests/vectors/gsb-ipv4-forms.json");
	const cJSON *item;
	char text[1024], host[LIMIT_URL_BYTES + 8];
	struct in_addr address;
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "ipv4"))
	{
		snprintf(text, sizeof(text), "http://%s/",
			 cJSON_GetArrayItem(item, 0)->valuestring);
		host_of(text, host);
		const char *want = cJSON_GetArrayItem(item, 1)->valuestring;
		if (*want != '\0')
			ck_assert_str_eq(host, want);
		else
			ck_assert_msg(inet_pton(AF_INET, host, &address) == 0, "%s: %s", text,
				      host);
	}
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "host"))
	{
		const char *want = cJSON_GetArrayItem(item, 1)->valuestring;
		host_of(cJSON_GetArrayItem(item, 0)->valuestring, host);
		ck_assert_str_eq(host, want == NULL ? "" : want);
	}
	cJSON_Delete(json);
}
END_TEST

/* One outcome of the table, such as "v4net=1.2.3.0/24"; NULL if it is not in the row. */
static char *
outcome(char *row, const char *name, char *out)
{
	char *at = strstr(row, name);
	if (at == NULL || at[strlen(name)] != '=')
		return NULL;
	at += strlen(name) + 1;
	size_t size = strcspn(at, ";\n");
	memcpy(out, at, size);
	out[size] = '\0';
	return out;
}

static void
address_check(enum kind kind, const char *text, const char *address, const char *net,
	      const char *corrected)
{
	static struct key key;
	char out[KEY_PRINT_BYTES], want[256];
	struct fault fault;
	const char *slash = strchr(text, '/');
	/* CPython takes zone ids and masks, which name no address: never here */
	bool refused = strchr(text, '%') != NULL || (slash != NULL && strpbrk(slash, ".:") != NULL);
	enum status status = canon_key(kind, text, strlen(text), NULL, &key, &fault);
	if (refused || (address == NULL && net == NULL)) {
		ck_assert_msg(status != STATUS_OK, "%s is accepted", text);
		if (!refused && corrected != NULL)
			ck_assert_msg(strstr(fault.text, corrected) != NULL, "%s: %s", text,
				      fault.text);
		return;
	}
	ck_assert_msg(status == STATUS_OK, "%s: %s", text, fault.text);
	key_print(&key, out);
	snprintf(want, sizeof(want), "%s", address != NULL ? address : net);
	char *whole = strstr(want, kind == KIND_IPV4 ? "/32" : "/128");
	if (whole != NULL)
		*whole = '\0';
	ck_assert_str_eq(out, want);
}

START_TEST(address_literals)
{
	char *text = file_read("tests/vectors/ip-literals.tsv"), *save;
	int count = 0;
	for (char *row = strtok_r(text, "\n", &save); row != NULL;
	     row = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(row, '\t');
		char one[3][256];
		if (*row == '#' || tab == NULL || tab == row)
			continue;
		*tab++ = '\0';
		char *host4 = outcome(tab, "v4net-hostbits", one[2]);
		address_check(KIND_IPV4, row, outcome(tab, "v4addr", one[0]),
			      host4 ? NULL : outcome(tab, "v4net", one[1]), host4);
		char *host6 = outcome(tab, "v6net-hostbits", one[2]);
		address_check(KIND_IPV6, row, outcome(tab, "v6addr", one[0]),
			      host6 ? NULL : outcome(tab, "v6net", one[1]), host6);
		count++;
	}
	printf("address literals: %d\n", count);
	ck_assert_int_ge(count, 400);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("canon_vectors");
	TCase *tcase = tcase_create("vectors");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, whatwg_urls);
	tcase_add_test(tcase, uts46_names);
	tcase_add_test(tcase, uts46_hosts);
	tcase_add_test(tcase, safe_browsing_table);
	tcase_add_test(tcase, safe_browsing_hosts);
	tcase_add_test(tcase, address_literals);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
