/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what is read, what is refused and where, the canonical text, locks, differences. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/profile.h"

#define HEAD "[profile]\nname = p\n"
#define BLOCK "[action \"b\"]\nflow = block\n"
#define HASHES (1u << KIND_SHA1 | 1u << KIND_SHA256)
#define ALL ((1u << KIND_COUNT) - 1)

static struct catalog catalog;
static struct fault fault;

static void
setup(void)
{
	ck_assert_int_eq(catalog_init(&catalog, NULL), STATUS_OK);
}

static void
teardown(void)
{
	catalog_fini(&catalog);
}

#define TEXT_BYTES 65536

/* Append; `text` holds TEXT_BYTES. */
static void __attribute__((format(printf, 2, 3)))
add(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	ck_assert_int_lt(vsnprintf(text + length, TEXT_BYTES - length, format, arguments),
			 (int)(TEXT_BYTES - length));
	va_end(arguments);
}

/* From memory that ends where the text ends; NULL if refused. */
static struct profile *
parse_bytes(const char *text, size_t length)
{
	struct profile *profile = NULL;
	char *exact = malloc(length ? length : 1);
	enum status status;

	memcpy(exact, text, length);
	memset(&fault, 0, sizeof(fault));
	status = profile_parse(exact, length, &catalog, &profile, &fault);
	free(exact);
	ck_assert_int_eq(fault.status, status);
	ck_assert_int_eq(status != STATUS_OK, profile == NULL);
	return profile;
}

static struct profile *
parse(const char *text)
{
	struct profile *profile = parse_bytes(text, strlen(text));

	ck_assert_msg(profile != NULL, "%s: %s", text, fault.text);
	return profile;
}

/* Takes the profile. */
static char *
print(struct profile *profile)
{
	char *text;
	size_t length;

	ck_assert_int_eq(profile_print(profile, &text, &length, NULL), STATUS_OK);
	ck_assert_uint_eq(strlen(text), length);
	profile_free(profile);
	return text;
}

static void
comes_out(const char *text, const char *wanted)
{
	char *first = print(parse(text)), *again = print(parse(first));

	ck_assert_str_eq(first, wanted);
	ck_assert_str_eq(again, first);
	free(first);
	free(again);
}

/* --- reading --------------------------------------------------------------------- */

static const char example[] =
	"[profile]\n"
	"name = perimeter\n"
	"match-address = both            ; source | destination | both\n"
	"while-looking-up = permit       ; permit | drop\n"
	"\n"
	"[action \"Block + Notify\"]\n"
	"flow = block                    ; permit block rate-limit trust quarantine\n"
	"notify = yes\n"
	"trace = no\n"
	"\n"
	"[filter \"High severity suspicious objects\"]\n"
	"action = Block + Notify\n"
	"kinds = ipv4 ipv6 domain url sha1 sha256\n"
	"untagged = no\n"
	"where = \"Trend Micro Detection Category\" = \"Suspicious Object\" and "
	"\"Trend Micro Severity\" = High\n"
	"enabled = yes\n"
	"locked = no\n"
	"\n"
	"[exception \"office\"]\n"
	"ip = 192.0.2.0/24               ; or domain = *.corp.example, url = http://a.example/\\*\n"
	"owner = netops\n"
	"reason = our own NAT\n"
	"expires = 2027-01-01T00:00:00Z\n";

START_TEST(the_example_of_the_contract)
{
	struct profile *profile = parse(example);
	const struct profile_filter *filter = &profile->filters[0];
	const struct profile_exception *exception = &profile->exceptions[0];

	ck_assert_str_eq(profile->name, "perimeter");
	ck_assert_int_eq(profile->match_address, PROFILE_MATCH_BOTH);
	ck_assert(!profile->drop_while_looking_up);
	ck_assert_uint_eq(profile->action_count, 1);
	ck_assert_str_eq(profile->actions[0].name, "Block + Notify");
	ck_assert_int_eq(profile->actions[0].flow, PROFILE_BLOCK);
	ck_assert(profile->actions[0].notify && !profile->actions[0].trace);
	ck_assert_uint_eq(profile->filter_count, 1);
	ck_assert_str_eq(filter->name, "High severity suspicious objects");
	ck_assert_uint_eq(filter->action, 0);
	ck_assert_uint_eq(filter->kinds, ALL);
	ck_assert(filter->tagged && !filter->untagged && filter->enabled && !filter->locked);
	ck_assert_ptr_nonnull(filter->criteria);
	ck_assert_uint_eq(profile->exception_count, 1);
	ck_assert_str_eq(exception->name, "office");
	ck_assert_str_eq(exception->value, "192.0.2.0/24");
	ck_assert_str_eq(exception->owner, "netops");
	ck_assert_str_eq(exception->reason, "our own NAT");
	ck_assert_uint_eq(exception->expires, 1798761600);
	ck_assert_uint_eq(exception->key_count, 1);
	ck_assert_uint_eq(profile->keys[0]->prefix_bits, 24);
	profile_free(profile);
}
END_TEST

START_TEST(the_canonical_text)
{
	comes_out(example,
		  "[profile]\nname = perimeter\n\n"
		  "[action \"Block + Notify\"]\nflow = block\nnotify = yes\n\n"
		  "[filter \"High severity suspicious objects\"]\naction = Block + Notify\n"
		  "where = \"Trend Micro Detection Category\" = \"Suspicious Object\" and "
		  "\"Trend Micro Severity\" = High\n\n"
		  "[exception \"office\"]\nip = 192.0.2.0/24\nowner = netops\n"
		  "reason = our own NAT\nexpires = 2027-01-01T00:00:00Z\n");
}
END_TEST

START_TEST(everything_unusual_comes_out_again)
{
	comes_out("[Filter \"f\"]\r\n"
		  "ACTION=B\r\n"
		  "kinds = SHA1,ipv4 ,  url\r\n"
		  "untagged = YES\r\n"
		  "tagged = no\r\n"
		  "enabled=No\r\n"
		  "locked = \"yes\"\r\n"
		  "  # a comment\r\n"
		  "[ profile ]\r\n"
		  "name = \"p ; q\"\r\n"
		  "match-address = Source\r\n"
		  "while-looking-up = DROP ; so\r\n"
		  "[action \"b\"]\r\n"
		  "flow = BLOCK\r\n"
		  "trace = yes\r\n"
		  "[action \"r \\\"q\\\" \\\\\"] ; quotes\r\n"
		  "flow = rate-limit\r\n"
		  "rate-kbps = 00512\r\n"
		  "[exception \"e\"]\r\n"
		  "url = \\*/path/\\*\r\n"
		  "owner =\r\n"
		  "reason = say \"a ; b\" twice ; now\r\n",
		  "[profile]\nname = \"p ; q\"\nmatch-address = source\nwhile-looking-up = drop\n\n"
		  "[action \"b\"]\nflow = block\ntrace = yes\n\n"
		  "[action \"r \\\"q\\\" \\\\\"]\nflow = rate-limit\nrate-kbps = 512\n\n"
		  "[filter \"f\"]\naction = b\nkinds = ipv4 url sha1\nuntagged = yes\ntagged = no\n"
		  "enabled = no\nlocked = yes\n\n"
		  "[exception \"e\"]\nurl = \\*/path/\\*\nreason = \"say \\\"a ; b\\\" twice\"\n");
	comes_out("\xEF\xBB\xBF[profile]\nname = p", HEAD);
}
END_TEST

START_TEST(a_condition_may_take_several_lines)
{
	comes_out(HEAD BLOCK "[filter \"f\"]\n  action = b\n"
		  "  where = Confidence >= 10 ; at least\n"
		  "    # a comment between\n"
		  "\tand not (\n"
		  "      \"Malware Family\" = \"a ; b\" ; quoted\n"
		  "   )\n"
		  "  untagged = yes\n",
		  HEAD "\n" BLOCK "\n[filter \"f\"]\naction = b\nuntagged = yes\n"
		  "where = Confidence >= 10 and not \"Malware Family\" = \"a ; b\"\n");
	comes_out(HEAD BLOCK "[filter \"f\"]\naction = b\nwhere = ; on the next line\n Confidence = 1\n",
		  HEAD "\n" BLOCK "\n[filter \"f\"]\naction = b\nwhere = Confidence = 1\n");
}
END_TEST

START_TEST(kinds_left_out_are_those_that_the_action_allows)
{
	static const struct {
		const char *flow;
		unsigned kinds;
	} rows[] = {
		{ "permit", ALL }, { "block", ALL }, { "quarantine", ALL },
		{ "rate-limit", ALL & ~HASHES }, { "trust", ALL & ~HASHES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];
		struct profile *profile;
		snprintf(text, sizeof(text), HEAD "[action \"a\"]\nflow = %s\n[filter \"f\"]\naction = a\n",
			 rows[i].flow);
		profile = parse(text);
		ck_assert_uint_eq(profile->filters[0].kinds, rows[i].kinds);
		profile_free(profile);
	}
}
END_TEST

/* --- exceptions --------------------------------------------------------------------- */

START_TEST(exceptions_become_keys)
{
	static const struct {
		const char *line;
		enum kind kind;
		const char *keys; /* as entries are spelled */
		enum scope scope;
	} rows[] = {
		{ "ip = 10.0.0.0/8", KIND_IPV4, "10.0.0.0/8 ", SCOPE_EXACT },
		{ "ip = 10.0.0.7", KIND_IPV4, "10.0.0.7 ", SCOPE_EXACT },
		{ "ip = 10.0.0.1-10.0.0.4", KIND_IPV4, "10.0.0.1 10.0.0.2/31 10.0.0.4 ", SCOPE_EXACT },
		{ "ip = 0.0.0.0 - 255.255.255.255", KIND_IPV4, "0.0.0.0/0 ", SCOPE_EXACT },
		{ "ip = 2001:DB8::/32", KIND_IPV6, "2001:db8::/32 ", SCOPE_EXACT },
		{ "ip = 2001:db8::1 - 2001:db8::2", KIND_IPV6, "2001:db8::1 2001:db8::2 ", SCOPE_EXACT },
		{ "domain = Corp.EXAMPLE.", KIND_DOMAIN, "corp.example ", SCOPE_EXACT },
		{ "domain = *.corp.example", KIND_DOMAIN, "*.corp.example ", SCOPE_BELOW },
		{ "domain = \"b\xC3\xBC" "cher.example\"", KIND_DOMAIN, "xn--bcher-kva.example ", SCOPE_EXACT },
		{ "url = HTTP://A.example:80/x?y", KIND_URL, "http://a.example/x?y ", SCOPE_EXACT },
		{ "url = http://a.example/\\*", KIND_URL, "http://a.example/\\* ", SCOPE_TREE },
		{ "url = http://a.example/*", KIND_URL, "http://a.example/* ", SCOPE_BELOW },
		{ "url = \\*/path/x\\*", KIND_URL, "\\*/path/x\\* ", SCOPE_EXACT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static char keys[TEXT_BYTES];
		char text[300], one[KEY_PRINT_BYTES];
		struct profile *profile;
		const struct profile_exception *exception;
		snprintf(text, sizeof(text), HEAD "[exception \"before\"]\nip=::1\n[exception \"e\"]\n%s\n",
			 rows[i].line);
		keys[0] = '\0';
		profile = parse(text);
		exception = &profile->exceptions[1];
		ck_assert_int_eq(exception->kind, rows[i].kind);
		ck_assert_uint_eq(exception->key_first, 1);
		ck_assert_uint_eq(exception->key_first + exception->key_count, profile->key_count);
		for (size_t k = 1; k < profile->key_count; k++) {
			struct key whole = { 0 }; /* printing may look at all of it */
			const struct key *key = profile->keys[k];
			ck_assert_int_eq(key->kind, rows[i].kind);
			ck_assert_int_eq(key->scope, rows[i].scope);
			ck_assert(!key->borrowed);
			memcpy(&whole, key, offsetof(struct key, buffer) + key->length);
			key_print_entry(&whole, one);
			add(keys, "%s ", one);
		}
		ck_assert_str_eq(keys, rows[i].keys);
		profile_free(profile);
	}
}
END_TEST

/* --- faults -------------------------------------------------------------------------- */

#define FILTER(fields) HEAD BLOCK "[filter \"f\"]\n" fields
#define EXCEPTION(fields) HEAD "[exception \"e\"]\n" fields
#define ACTION(fields) HEAD "[action \"a\"]\n" fields

static const struct {
	const char *text;
	size_t line, column;
	const char *part; /* of what is said behind the place */
} faults[] = {
	{ "", 1, 1, "no [profile] section; expected one" },
	{ "\n\n", 3, 1, "no [profile]" },
	{ "[profile]\n", 1, 2, "no name; expected name = NAME" },
	{ "name = p\n", 1, 1, "before the first section; expected [profile]" },
	{ HEAD "[profile]\n", 3, 2, "second [profile]" },
	{ HEAD "[profile \"x\"]\n", 3, 2, "expected [profile]" },
	{ HEAD "[filters \"x\"]\n", 3, 2, "found filters; expected a section: profile, action" },
	{ HEAD "[]\n", 3, 2, "expected a section" },
	{ HEAD "[filter]\n", 3, 2, "no name; expected [filter \"NAME\"]" },
	{ HEAD "[filter f]\n", 3, 9, "expected a name in double quotes, or ]" },
	{ HEAD "[filter \"f]\n", 3, 9, "not closed; expected \"" },
	{ HEAD "[filter \"f\" x]\n", 3, 13, "expected ]" },
	{ HEAD "[filter \"f\"", 3, 12, "expected ]" },
	{ HEAD "  [filter \"f\"] x\n", 3, 16, "expected the end of the line" },
	{ HEAD "[filter \"\"]\n", 3, 9, "cannot be a name; expected 1 to 255 bytes" },
	{ HEAD "[filter \" f\"]\n", 3, 9, "cannot be a name" },
	{ HEAD "[filter \"a\\n\"]\n", 3, 11, "expected \\\" or \\\\" },
	{ HEAD "nonsense\n", 3, 1, "no field; expected FIELD = VALUE" },
	{ HEAD " = x\n", 3, 2, "no field" },
	{ HEAD "colour = red\n", 3, 1, "unknown field colour; expected one of name, match-address" },
	{ HEAD "Name = q\n", 3, 1, "the field name a second time; expected it once" },
	{ "[profile]\nname =\n", 2, 7, "no value; expected a name" },
	{ "[profile]\nname = ; x\n", 2, 8, "no value; expected a name" },
	{ "[profile]\nname = \"a\" b\n", 2, 11, "behind the closing quote" },
	{ "[profile]\nname = \"a\n", 2, 8, "not closed" },
	{ "[profile]\nname = \"a\\x\"\n", 2, 10, "expected \\\" or \\\\" },
	{ "[profile]\nname = a\tb\n", 2, 8, "cannot be a name" },
	{ HEAD "match-address = all\n", 3, 17, "found all; expected both, source or destination" },
	{ HEAD "while-looking-up = wait\n", 3, 20, "found wait; expected permit or drop" },

	{ ACTION(""), 3, 2, "no flow; expected flow = permit, block" },
	{ ACTION("flow = deny\n"), 4, 8, "found deny; expected permit, block, rate-limit, trust" },
	{ ACTION("flow = block\nnotify = maybe\n"), 5, 10, "found maybe; expected yes or no" },
	{ ACTION("flow = block\nrate-kbps = 5\n"), 5, 1, "expected flow = rate-limit" },
	{ ACTION("flow = rate-limit\nrate-kbps = 0\n"), 5, 13, "found 0; expected kilobits" },
	{ ACTION("flow = rate-limit\nrate-kbps = 4294967296\n"), 5, 13, "expected kilobits" },
	{ ACTION("flow = permit\n[action \"x\"]\nflow = block\n[action \"A\"]\nflow = block\n"), 7, 2,
	  "taken in line 3; expected another" },

	{ FILTER(""), 5, 2, "no action; expected action = NAME" },
	{ FILTER("action = c\n"), 6, 10, "no action \"c\" is defined; expected the name" },
	{ FILTER("action = b\n[filter \"g\"]\naction=b\n[filter \"F\"]\naction=b\n"), 9, 2,
	  "taken in line 5" },
	{ FILTER("action = b\ntagged = no\n"), 5, 2, "neither tagged nor untagged entries; expected untagged = yes" },
	{ FILTER("action = b\nkinds = ipv4, ip6\n"), 7, 15, "found ip6; expected kinds among ipv4" },
	{ FILTER("action = b\nkinds = , ,\n"), 7, 9, "expected kinds among" },
	{ FILTER("action = b\nwhere =\n"), 7, 8, "the text ends too early; expected a category" },
	{ FILTER("action = b\nwhere = Confidence > 10 and\n"), 7, 28, "ends too early" },
	{ FILTER("action = b\nwhere = Confidence > 101\n"), 7, 22, "101" },
	{ FILTER("action = b\nwhere = Confidenze > 10\n"), 7, 9, "did you mean \"Confidence\"" },
	{ FILTER("action = b\nwhere = \"Threat Type\" = \"\xC3\xA4\xC3\xB6\" und x = y\n"), 7, 30,
	  "found und; expected and, or, or the end" },
	{ FILTER("action = b\n\twhere = Confidence > 10 ; x\n; \xC3\xA4\n\t  and Confidence < x\n"), 9, 21, "x" },
	{ FILTER("action = b\r\nwhere = Confidence > 10\r\n or Confidense < 3\r\n"), 8, 5, "Confidense" },
	{ FILTER("action = b\nwhere = Confidence > 10\n[filter \"g\"] x\n"), 8, 14, "end of the line" },
	{ FILTER("action = b\nwhere = source = feed-a\n"), 7, 9, "no tags; expected tag categories" },

	{ EXCEPTION(""), 3, 2, "no pattern; expected one of ip, domain and url" },
	{ EXCEPTION("ip = 10.0.0.1\ndomain = a.example\n"), 5, 1, "second pattern in one exception" },
	{ EXCEPTION("ip =\n"), 4, 5, "no value; expected an address, a prefix or a range A-B" },
	{ EXCEPTION("ip = 10.0.0.1/24\n"), 4, 6, "did you mean 10.0.0.0/24" },
	{ EXCEPTION("ip = corp.example\n"), 4, 6, "expected an address, a prefix or a range A-B" },
	{ EXCEPTION("ip = 10.0.0.9-10.0.0.1\n"), 4, 6, "ends before it begins; expected" },
	{ EXCEPTION("ip = 10.0.0.9-::1\n"), 4, 6, "expected an address" },
	{ EXCEPTION("ip = 10.0.0.0/24-10.0.1.0\n"), 4, 6, "from one address to another" },
	{ EXCEPTION("domain = a.*.example\n"), 4, 10, "expected NAME or *.NAME" },
	{ EXCEPTION("domain = da39a3ee5e6b4b0d3255bfef95601890afd80709/x\n"), 4, 10, "expected NAME" },
	{ EXCEPTION("url = http://\n"), 4, 7, "expected a URL" },
	{ EXCEPTION("sha1 = da39a3ee5e6b4b0d3255bfef95601890afd80709\n"), 4, 1,
	  "unknown field sha1; expected one of ip, domain, url" },
	{ EXCEPTION("ip = ::1\nexpires = soon\n"), 5, 11, "found soon; expected a time as" },
	{ EXCEPTION("ip = ::1\nexpires = 1970-01-01T00:00:00Z\n"), 5, 11, "expected a time" },
	{ EXCEPTION("ip = ::1\nowner = a\tb\n"), 5, 9, "expected at most 255 bytes" },
	{ EXCEPTION("ip = ::1\n[exception \"E\"]\nip = ::2\n"), 5, 2, "taken in line 3" },

	{ HEAD "; \x01\n", 3, 3, "a control character; expected text" },
	{ HEAD "; \xC3\xA4\xFF\n", 3, 4, "no UTF-8; expected text" },
	{ HEAD "\r\r\n", 3, 1, "a control character" },
	{ "\xEF\xBB\xBFx", 1, 1, "no field" },
};

START_TEST(faults_name_line_column_and_what_was_expected)
{
	char place[64];

	snprintf(place, sizeof(place), "line %zu, column %zu: ", faults[_i].line, faults[_i].column);
	ck_assert_msg(!parse_bytes(faults[_i].text, strlen(faults[_i].text)), "%s", faults[_i].text);
	ck_assert_int_eq(fault.status, STATUS_PROFILE);
	ck_assert_msg(strncmp(fault.text, place, strlen(place)) == 0 &&
		      strstr(fault.text + strlen(place), faults[_i].part), "%s\n%s%s\nbut\n%s",
		      faults[_i].text, place, faults[_i].part, fault.text);
}
END_TEST

START_TEST(illegal_combinations_are_refused)
{
	static const struct {
		const char *flow, *kinds;
		size_t column; /* 0: legal */
	} rows[] = {
		{ "block", "sha1", 0 }, { "permit", "sha1 sha256", 0 },
		{ "rate-limit", "ipv4 ipv6 domain url", 0 }, { "trust", "url", 0 },
		{ "rate-limit", "ipv4 sha1", 14 }, { "rate-limit", "sha256", 9 },
		{ "trust", "sha256,url", 9 }, { "trust", "url,  sha1", 15 },
		{ "quarantine", "sha1 sha256", 9 }, { "quarantine", "sha256", 9 },
		{ "quarantine", "ipv4 sha256", 0 }, { "quarantine", "url", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200], place[40];
		struct profile *profile;
		snprintf(text, sizeof(text), HEAD "[filter \"f\"]\nkinds = %s\naction = a\n"
			 "[action \"a\"]\nflow = %s\n", rows[i].kinds, rows[i].flow);
		snprintf(place, sizeof(place), "line 4, column %zu: ", rows[i].column);
		profile = parse_bytes(text, strlen(text));
		ck_assert_msg((profile != NULL) == (rows[i].column == 0), "%s", text);
		if (!profile)
			ck_assert_msg(strncmp(fault.text, place, strlen(place)) == 0 &&
				      strstr(fault.text, rows[i].flow) && strstr(fault.text, "expected"),
				      "%s: %s", text, fault.text);
		profile_free(profile);
	}
}
END_TEST

static char *
repeat(const char *head, const char *format, size_t count)
{
	char *text = malloc(strlen(head) + count * (strlen(format) + 32) + 1);
	size_t length = strlen(head);

	memcpy(text, head, length + 1);
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(text + length, strlen(format) + 32, format, i, i % 250);
	return text;
}

START_TEST(limits_are_told)
{
	static const struct {
		const char *format;
		size_t most;
	} rows[] = {
		{ "[action \"a%zu\"]\nflow=block\n", PROFILE_ACTIONS },
		{ "[filter \"f%zu\"]\naction=b\n", PROFILE_FILTERS },
		{ "[exception \"%zu\"]\nip=10.0.0.%zu\n", PROFILE_EXCEPTIONS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = repeat(HEAD BLOCK, rows[i].format, rows[i].most - (i == 0));
		struct profile *profile = parse_bytes(text, strlen(text));
		ck_assert_msg(profile != NULL, "%s", fault.text);
		profile_free(profile);
		free(text);
		text = repeat(HEAD BLOCK, rows[i].format, rows[i].most + 1);
		ck_assert_ptr_null(parse_bytes(text, strlen(text)));
		ck_assert_int_eq(fault.status, STATUS_LIMIT);
		ck_assert(strstr(fault.text, ", column 2: more than "));
		free(text);
	}
}
END_TEST

START_TEST(sizes_are_limited)
{
	size_t size = LIMIT_PROFILE_BYTES + 1;
	char *text = malloc(size);
	struct profile *profile;

	memset(text, '\n', size);
	memcpy(text, HEAD, sizeof(HEAD) - 1);
	ck_assert_ptr_null(parse_bytes(text, size));
	ck_assert_int_eq(fault.status, STATUS_LIMIT);
	profile = parse_bytes(text, size - 1);
	ck_assert_ptr_nonnull(profile);
	profile_free(profile);
	memset(text + 100, '#', LIMIT_LINE_BYTES);
	profile = parse_bytes(text, size - 1);
	ck_assert_ptr_nonnull(profile);
	profile_free(profile);
	text[100 + LIMIT_LINE_BYTES] = '#';
	ck_assert_ptr_null(parse_bytes(text, size - 1));
	ck_assert_int_eq(fault.status, STATUS_LIMIT);
	free(text);
	/* 254 prefixes each */
	text = repeat(HEAD, "[exception \"%zu\"]\nip=::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n",
		      PROFILE_KEYS / 254 + 1);
	ck_assert_ptr_null(parse_bytes(text, strlen(text)));
	ck_assert_int_eq(fault.status, STATUS_LIMIT);
	ck_assert_ptr_nonnull(strstr(fault.text, "more than 1000000"));
	free(text);
}
END_TEST

/* Criteria are limited by themselves; the status says so. */
START_TEST(limits_of_conditions_are_limits)
{
	char *text = repeat(FILTER("action = b\nwhere = Confidence = 1"), " or Confidence = 1", 5000);

	ck_assert_ptr_null(parse_bytes(text, strlen(text)));
	ck_assert_int_eq(fault.status, STATUS_LIMIT);
	ck_assert(strncmp(fault.text, "line 7, column ", 15) == 0);
	free(text);
}
END_TEST

/* --- random profiles: written in any style, compared with what was meant ---------------- */

static unsigned
roll(unsigned sides)
{
	return (unsigned)rand() % sides;
}

static const char *
any_blank(void)
{
	static const char *const blanks[] = { "", " ", "\t", "   ", " \t " };

	return blanks[roll(5)];
}

static const char *
any_end(void)
{
	static const char *const ends[] = { "\n", "\r\n", " ; note\n", "\t;\"\r\n", "\n\n", "\n# a = b\n",
					    "\n   ;[filter \"no\"]\n" };

	return ends[roll(7)];
}

static bool after_where; /* an indented line would go on with it */

static const char *
any_indent(void)
{
	const char *indent = after_where ? "" : any_blank();

	after_where = false;
	return indent;
}

static void
field(char *text, const char *name, const char *value)
{
	bool quoted = roll(3) == 0 && strcmp(name, "kinds") != 0 && strcmp(name, "where") != 0 &&
		      strcmp(name, "rate-kbps") != 0 && !strpbrk(value, "\\\"");

	add(text, "%s%s%s=%s%s%s%s%s%s", any_indent(), name, any_blank(),
	    any_blank(), quoted ? "\"" : "", value, quoted ? "\"" : "",
	    roll(2) ? " " : "", any_end());
	after_where = strcmp(name, "where") == 0;
}

struct meant {
	unsigned action, kinds;
	bool tagged, untagged, enabled, locked;
	const char *where; /* canonical */
};

static const char *const meant_where[] = {
	NULL, "Confidence > 5", "not (Confidence = 1 or \"List Count\" is missing)",
	"\"Threat Type\" = \"a \\\" ; b\"",
};

static void
write_filter(char *text, const struct meant *meant, unsigned number)
{
	static char value[TEXT_BYTES];

	add(text, "%s[%sfilter \"F %u\"%s]%s", any_indent(), any_blank(), number,
		any_blank(), any_end());
	value[0] = '\0';
	add(value, "%s %u", roll(2) ? "act" : "ACT", meant->action);
	field(text, "action", value);
	value[0] = '\0';
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		if (meant->kinds & 1u << kind)
			add(value, "%s%s", value[0] ? roll(2) ? " " : ", " : "",
				kind_name((enum kind)kind));
	if (meant->kinds != ALL || roll(2))
		field(text, "kinds", value);
	if (meant->where)
		field(text, "where", meant->where);
	if (!meant->tagged || roll(2))
		field(text, "tagged", meant->tagged ? "yes" : "no");
	if (meant->untagged || roll(2))
		field(text, "untagged", meant->untagged ? "yes" : "NO");
	if (!meant->enabled || roll(2))
		field(text, "enabled", meant->enabled ? "yes" : "no");
	if (meant->locked || roll(2))
		field(text, "locked", meant->locked ? "Yes" : "no");
}

static void
compare_filter(const struct profile_filter *filter, const struct meant *meant)
{
	char *where = NULL;
	size_t length;

	ck_assert_uint_eq(filter->action, meant->action);
	ck_assert_uint_eq(filter->kinds, meant->kinds);
	ck_assert_int_eq(filter->tagged, meant->tagged);
	ck_assert_int_eq(filter->untagged, meant->untagged);
	ck_assert_int_eq(filter->enabled, meant->enabled);
	ck_assert_int_eq(filter->locked, meant->locked);
	ck_assert_int_eq(filter->criteria != NULL, meant->where != NULL);
	if (!meant->where)
		return;
	ck_assert_int_eq(criteria_print(filter->criteria, &where, &length, NULL), STATUS_OK);
	ck_assert_str_eq(where, meant->where);
	free(where);
}

START_TEST(any_style_says_the_same)
{
	static char text[TEXT_BYTES];
	struct meant meant[6];

	srand(11);
	for (int round = 0; round < 3000; round++) {
		unsigned count = roll(6), actions = 1 + roll(3);
		struct profile *profile;
		char *canonical;
		text[0] = '\0';
		add(text, "[profile]\n");
		field(text, "name", "p q");
		for (unsigned i = 0; i < count; i++) {
			meant[i] = (struct meant){
				.action = roll(actions), .kinds = 1 + roll(ALL), .tagged = roll(3) > 0,
				.enabled = roll(2), .locked = roll(2),
				.where = meant_where[roll(4)] };
			meant[i].untagged = !meant[i].tagged || roll(2);
			write_filter(text, &meant[i], i);
		}
		for (unsigned i = 0; i < actions; i++) {
			add(text, "%s[action \"act %u\"]%s", any_indent(), i, any_end());
			field(text, "flow", i % 2 ? "block" : "permit");
		}
		profile = parse(text);
		canonical = print(profile);
		for (int again = 0; again < 2; again++) {
			profile = parse(again ? canonical : text);
			ck_assert_str_eq(profile->name, "p q");
			ck_assert_uint_eq(profile->action_count, actions);
			ck_assert_uint_eq(profile->filter_count, count);
			for (unsigned i = 0; i < count; i++)
				compare_filter(&profile->filters[i], &meant[i]);
			profile_free(profile);
		}
		free(canonical);
	}
}
END_TEST

START_TEST(any_bytes_are_safe)
{
	char *bytes = malloc(sizeof(example));
	size_t length = sizeof(example) - 1;

	srand(5);
	for (size_t cut = 0; cut <= length; cut++)
		profile_free(parse_bytes(example, cut));
	for (int round = 0; round < 20000; round++) {
		struct profile *profile;
		memcpy(bytes, example, length);
		for (unsigned i = roll(4); i < 4; i++)
			bytes[roll((unsigned)length)] = "\"\\;#=[] \t\n\r\xC3*"[roll(13)];
		profile = parse_bytes(bytes, length);
		if (profile)
			free(print(profile));
	}
	free(bytes);
}
END_TEST

/* --- locks and differences --------------------------------------------------------------- */

static enum status
replace(const char *now, const char *next)
{
	struct profile *old = parse(now), *new = parse(next);
	enum status status;

	memset(&fault, 0, sizeof(fault));
	status = profile_may_replace(old, new, &fault);
	ck_assert_int_eq(fault.status, status);
	profile_free(old);
	profile_free(new);
	return status;
}

#define TWO HEAD BLOCK "[action \"c\"]\nflow=permit\n[action \"l\"]\nflow=rate-limit\nrate-kbps=5\n"
#define F(name, more) "[filter \"" name "\"]\naction=b\n" more
#define L(name, more) F(name, "locked=yes\n" more)

START_TEST(locked_filters_stay_as_they_are)
{
	static const struct {
		const char *now, *next, *part; /* NULL: allowed */
	} rows[] = {
		{ TWO L("a", ""), TWO L("a", ""), NULL },
		{ TWO L("a", ""), TWO F("a", ""), NULL },
		{ TWO F("a", ""), TWO L("a", "untagged=yes\n"), NULL },
		{ TWO L("a", ""), TWO, "\"a\" is locked, and it is not there any more" },
		{ TWO L("a", ""), TWO L("A", ""), "its field changes: name" },
		{ TWO L("a", ""), TWO L("a", "untagged=yes\n"), "its field changes: untagged" },
		{ TWO L("a", ""), TWO F("a", "untagged=yes\n"), "its field changes: untagged" },
		{ TWO L("a", "untagged=yes\n"), TWO L("a", "untagged=yes\ntagged=no\n"), "tagged" },
		{ TWO L("a", ""), TWO L("a", "enabled=no\n"), "its field changes: enabled" },
		{ TWO L("a", ""), TWO L("a", "kinds=ipv4\n"), "its field changes: kinds" },
		{ TWO L("a", ""), TWO L("a", "where=Confidence=1\n"), "its field changes: where" },
		{ TWO L("a", "where=Confidence=2\n"), TWO L("a", "where=Confidence=1\n"), "where" },
		{ TWO L("a", "where=Confidence=1\n"), TWO L("a", "where = (confidence = 01)\n"), NULL },
		{ TWO L("a", ""), TWO "[filter \"a\"]\naction=c\nlocked=yes\n", "field changes: action" },
		{ TWO L("a", ""), HEAD "[action \"B\"]\nflow=block\n" L("a", ""), NULL },
		{ TWO L("a", ""), HEAD "[action \"b\"]\nflow=permit\n" L("a", ""), "its action changes: b" },
		{ TWO L("a", ""), HEAD BLOCK "notify=yes\n" L("a", ""), "its action changes: b" },
		{ TWO L("a", ""), HEAD BLOCK "trace=yes\n" L("a", ""), "its action changes: b" },
		{ TWO L("a", ""), TWO L("a", "") F("b", ""), NULL },
		{ TWO L("a", ""), TWO F("b", "") L("a", ""), "overtaken by b" },
		{ TWO L("a", ""), TWO F("b", "") F("a", ""), "overtaken by b" },
		{ TWO F("x", "") L("a", "") F("b", ""), TWO L("a", "") F("x", "") F("b", ""), NULL },
		{ TWO F("x", "") L("a", "") F("b", ""), TWO L("a", "") F("b", ""), NULL },
		{ TWO F("x", "") L("a", "") F("b", ""), TWO F("x", "enabled=no\n") L("a", ""), NULL },
		{ TWO F("x", "") L("a", "") F("b", ""), TWO F("x", "") F("b", "") L("a", ""), "by b" },
		{ TWO F("x", "") L("a", "") F("b", ""), TWO F("b", "") F("x", "") L("a", ""), "by b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum status status = replace(rows[i].now, rows[i].next);
		ck_assert_msg((status == STATUS_OK) == (rows[i].part == NULL), "%zu: %s", i, fault.text);
		if (rows[i].part)
			ck_assert_msg(status == STATUS_PROFILE && strstr(fault.text, rows[i].part),
				      "%zu: %s", i, fault.text);
	}
}
END_TEST

static void
difference_note(void *context, const struct profile_difference *difference)
{
	static const char *const parts[] = { "setting", "action", "filter", "exception" };
	char *text = context;

	add(text, "%s %s %c %d %d %s\n", parts[difference->part], difference->name,
		"+-~>"[difference->change], (int)difference->before, (int)difference->after,
		difference->fields);
}

static void
differs(const char *now, const char *next, const char *wanted)
{
	static char text[TEXT_BYTES];
	struct profile *old = now ? parse(now) : NULL, *new = parse(next);

	text[0] = '\0';
	ck_assert_int_eq(profile_compare(old, new, difference_note, text, NULL), STATUS_OK);
	ck_assert_str_eq(text, wanted);
	profile_free(old);
	profile_free(new);
}

START_TEST(differences_are_told)
{
	differs(example, example, "");
	differs(NULL, HEAD BLOCK F("f", "") "[exception \"e\"]\nip=::1\n",
		"action b + -1 0 \nfilter f + -1 0 \nexception e + -1 0 \n");
	differs(HEAD BLOCK F("f", "") "[exception \"e\"]\nip=::1\n", "[profile]\nname=P\nmatch-address=source\n"
		"while-looking-up=drop\n[action \"B\"]\nflow=permit\ntrace=yes\nnotify=yes\n"
		F("f", "kinds=url\nwhere=Confidence=1\nlocked=yes\n") "[exception \"e\"]\nip=::2\nowner=o\n"
		"reason=r\nexpires=2027-01-01T00:00:00Z\n",
		"setting name ~ -1 -1 \nsetting match-address ~ -1 -1 \nsetting while-looking-up ~ -1 -1 \n"
		"action B ~ 0 0 name, flow, notify, trace\nfilter f ~ 0 0 kinds, where, locked\n"
		"exception e ~ 0 0 value, owner, reason, expires\n");
	differs(HEAD BLOCK F("a", "") F("b", "") F("c", ""), HEAD BLOCK F("c", "") F("a", "") F("d", ""),
		"filter c > 2 0 \nfilter d + -1 2 \nfilter b - 1 -1 \n");
}
END_TEST

static void
difference_count(void *context, const struct profile_difference *difference)
{
	((size_t *)context)[difference->change]++;
}

/* The most filters of `order` that rise, by trying every choice. */
static size_t
longest_rise(const unsigned *order, unsigned count)
{
	size_t best = 0;

	for (unsigned choice = 0; choice < 1u << count; choice++) {
		size_t length = 0;
		unsigned last = 0;
		bool rises = true;
		for (unsigned i = 0; i < count; i++) {
			if (!(choice & 1u << i))
				continue;
			rises = rises && (length == 0 || order[i] > last);
			last = order[i];
			length++;
		}
		if (rises && length > best)
			best = length;
	}
	return best;
}

/* A filter before it in the new order that did not stand before it in the old one. */
static bool
overtaken(const unsigned *order, unsigned count, unsigned locked, unsigned old_count)
{
	for (unsigned i = 0; i < count && order[i] != locked; i++)
		if (order[i] >= old_count || order[i] > locked)
			return true;
	return false;
}

START_TEST(moves_and_locks_against_trying_all)
{
	static char now[TEXT_BYTES], next[TEXT_BYTES];

	srand(3);
	for (int round = 0; round < 2000; round++) {
		unsigned order[9], old_count = 1 + roll(6), count = old_count + roll(3), kept = 0;
		unsigned locked = roll(old_count);
		size_t changes[4] = { 0 }, gone = 0, fresh = 0;
		bool refused;
		for (unsigned i = 0; i < count; i++) {
			unsigned at = roll(i + 1);
			order[i] = order[at];
			order[at] = i;
		}
		if (roll(3) == 0)
			count -= roll(count); /* some are gone */
		now[0] = next[0] = '\0';
		add(now, "%s", TWO);
		add(next, "%s", TWO);
		for (unsigned i = 0; i < old_count; i++)
			add(now, "[filter \"%u\"]\naction=b\nlocked=%s\n", i,
				i == locked ? "yes" : "no");
		refused = true;
		for (unsigned i = 0; i < count; i++) {
			add(next, "[filter \"%u\"]\naction=b\n", order[i]);
			if (order[i] == locked)
				refused = overtaken(order, count, locked, old_count);
		}
		ck_assert_msg((replace(now, next) != STATUS_OK) == refused, "%s\n%s\n%s", now, next,
			      fault.text);
		for (unsigned i = 0; i < count; i++) {
			fresh += order[i] >= old_count;
			if (order[i] < old_count)
				order[kept++] = order[i];
		}
		gone = old_count - kept;
		struct profile *old = parse(now), *new = parse(next);
		profile_compare(old, new, difference_count, changes, NULL);
		profile_free(old);
		profile_free(new);
		ck_assert_uint_eq(changes[PROFILE_ADDED], fresh);
		ck_assert_uint_eq(changes[PROFILE_REMOVED], gone);
		ck_assert_uint_eq(changes[PROFILE_MOVED], kept - longest_rise(order, kept));
	}
}
END_TEST

START_TEST(filters_are_found_in_any_letter_case)
{
	struct profile *profile = parse(TWO F("One", "") F("two", ""));

	ck_assert_uint_eq(profile_filter_find(profile, "TWO", 3), 1);
	ck_assert_uint_eq(profile_filter_find(profile, "one!", 3), 0);
	ck_assert_uint_eq(profile_filter_find(profile, "on", 2), SIZE_MAX);
	profile_free(profile);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("profile");
	TCase *tcase = tcase_create("profile");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_example_of_the_contract);
	tcase_add_test(tcase, the_canonical_text);
	tcase_add_test(tcase, everything_unusual_comes_out_again);
	tcase_add_test(tcase, a_condition_may_take_several_lines);
	tcase_add_test(tcase, kinds_left_out_are_those_that_the_action_allows);
	tcase_add_test(tcase, exceptions_become_keys);
	tcase_add_loop_test(tcase, faults_name_line_column_and_what_was_expected, 0,
			    sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tcase, illegal_combinations_are_refused);
	tcase_add_test(tcase, limits_are_told);
	tcase_add_test(tcase, sizes_are_limited);
	tcase_add_test(tcase, limits_of_conditions_are_limits);
	tcase_add_test(tcase, any_style_says_the_same);
	tcase_add_test(tcase, any_bytes_are_safe);
	tcase_add_test(tcase, locked_filters_stay_as_they_are);
	tcase_add_test(tcase, differences_are_told);
	tcase_add_test(tcase, moves_and_locks_against_trying_all);
	tcase_add_test(tcase, filters_are_found_in_any_letter_case);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
