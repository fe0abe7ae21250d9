/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boost::unordered_flat_map and absl::flat_hash_map. Digests are hashed by their
 * first eight bytes (they are random already: the tuned way); texts by the map's
 * own hash, looked up as views. get_many of absl prefetches with its own
 * prefetch(); boost has no such call, its many are a loop.
 */
#include <cstring>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include "bench/peers/maps.h"

namespace {

template <size_t N> struct digest {
	unsigned char bytes[N];
	bool operator==(const digest &other) const { return std::memcmp(bytes, other.bytes, N) == 0; }
};

template <size_t N> struct digest_hash {
	using is_avalanching = void;
	size_t operator()(const digest<N> &key) const
	{
		size_t word;
		std::memcpy(&word, key.bytes, sizeof(word));
		return word;
	}
};

struct text_hash {
	using is_transparent = void;
	size_t operator()(std::string_view text) const
	{
		return absl::Hash<absl::string_view>()(absl::string_view(text.data(), text.size()));
	}
};

struct text_equal {
	using is_transparent = void;
	bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

template <class Map> void *
make(size_t count)
{
	Map *map = new Map;
	map->reserve(count);
	return map;
}

template <class Map> void
drop(void *map)
{
	delete static_cast<Map *>(map);
}

template <class Map, size_t N> void
put(void *map, const void *key, size_t, uint64_t value)
{
	digest<N> copy;
	std::memcpy(copy.bytes, key, N);
	(*static_cast<Map *>(map))[copy] = value;
}

template <class Map, size_t N> uint64_t
get(const void *map, const void *key, size_t)
{
	const Map &all = *static_cast<const Map *>(map);
	auto found = all.find(*static_cast<const digest<N> *>(key));
	return found == all.end() ? 0 : found->second;
}

template <class Map, size_t N> void
get_many(const void *map, const void *keys, size_t n, uint64_t *values)
{
	for (size_t i = 0; i < n; i++)
		values[i] = get<Map, N>(map, static_cast<const digest<N> *>(keys) + i, N);
}

template <class Map, size_t N> void
get_many_prefetched(const void *map, const void *keys, size_t n, uint64_t *values)
{
	const Map &all = *static_cast<const Map *>(map);
	const digest<N> *digests = static_cast<const digest<N> *>(keys);
	constexpr size_t ahead = 16;
	for (size_t i = 0; i < n && i < ahead; i++)
		all.prefetch(digests[i]);
	for (size_t i = 0; i < n; i++) {
		if (i + ahead < n)
			all.prefetch(digests[i + ahead]);
		values[i] = get<Map, N>(map, digests + i, N);
	}
}

template <class Map> void
put_text(void *map, const void *key, size_t length, uint64_t value)
{
	(*static_cast<Map *>(map))[std::string(static_cast<const char *>(key), length)] = value;
}

template <class Map, class View> uint64_t
get_text(const void *map, const void *key, size_t length)
{
	const Map &all = *static_cast<const Map *>(map);
	auto found = all.find(View(static_cast<const char *>(key), length));
	return found == all.end() ? 0 : found->second;
}

template <size_t N> using boost_map =
	boost::unordered_flat_map<digest<N>, uint64_t, digest_hash<N>>;
template <size_t N> using absl_map = absl::flat_hash_map<digest<N>, uint64_t, digest_hash<N>>;
using boost_text = boost::unordered_flat_map<std::string, uint64_t, text_hash, text_equal>;
using absl_text = absl::flat_hash_map<std::string, uint64_t>;

template <class Map, size_t N> constexpr map_calls calls = {
	make<Map>, drop<Map>, put<Map, N>, get<Map, N>, get_many<Map, N>};
template <class Map, size_t N> constexpr map_calls calls_prefetched = {
	make<Map>, drop<Map>, put<Map, N>, get<Map, N>, get_many_prefetched<Map, N>};
template <class Map, class View> constexpr map_calls calls_text = {
	make<Map>, drop<Map>, put_text<Map>, get_text<Map, View>, nullptr};

} // namespace

const map_calls map_boost20 = calls<boost_map<20>, 20>;
const map_calls map_boost32 = calls<boost_map<32>, 32>;
const map_calls map_boost_text = calls_text<boost_text, std::string_view>;
const map_calls map_absl20 = calls_prefetched<absl_map<20>, 20>;
const map_calls map_absl32 = calls_prefetched<absl_map<32>, 32>;
const map_calls map_absl_text = calls_text<absl_text, absl::string_view>;
