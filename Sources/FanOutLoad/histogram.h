#ifndef DOORBELL_HISTOGRAM_H
#define DOORBELL_HISTOGRAM_H

#include <stdint.h>
#include <string.h>

// Durations in nanoseconds, in buckets of at most 1/64 of their value: exact enough for quantiles, and small.
#define HISTOGRAM_STEPS 64
#define HISTOGRAM_POWERS 40

struct histogram {
    uint64_t counts[HISTOGRAM_POWERS][HISTOGRAM_STEPS];
    uint64_t total;
    uint64_t max;
};

static inline void histogram_clear(struct histogram *histogram) { memset(histogram, 0, sizeof *histogram); }

static inline void histogram_add(struct histogram *histogram, uint64_t value) {
    int power = value < HISTOGRAM_STEPS ? 0 : 58 - __builtin_clzll(value);
    if (power >= HISTOGRAM_POWERS) power = HISTOGRAM_POWERS - 1;
    uint64_t step = value >> power;
    // Above the first power the top bit is always set: half of the steps would do, and this is simpler.
    histogram->counts[power][step < HISTOGRAM_STEPS ? step : HISTOGRAM_STEPS - 1]++;
    histogram->total++;
    if (value > histogram->max) histogram->max = value;
}

// In milliseconds; 0 when nothing was added.
static inline double histogram_quantile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t seen = 0;
    for (int power = 0; power < HISTOGRAM_POWERS; power++) {
        for (int step = 0; step < HISTOGRAM_STEPS; step++) {
            seen += histogram->counts[power][step];
            if (seen > wanted) return (double)((uint64_t)step << power) / 1e6;
        }
    }
    return (double)histogram->max / 1e6;
}

#endif
