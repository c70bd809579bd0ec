/* The voice detector of a call that we play to, frame by frame: `media.vad.SpeechDetector` on trial, with its gate
   (`media.speech_gate`), its evidence of one voice (`media.one_voice`) and its holes (`media.holes`). Those say why
   each step is as it is; names and numbers here are theirs. The kernels and tables are theirs too: `prepare` takes them.

   Sums are of single precision in an order of their own, so that loudness may differ from the twin's in the sixth digit.

   Called with the GIL held, and holds it: a frame takes a few microseconds. */

#include <Python.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    FRAME_MS = 20, NARROW = 160, WIDE = 480, TO_8K = 45, TAPS = 65, WINDOW = 320, SHORTEST = 20, LONGEST = 134,
    QUIET_MS = 200, SPAN_FRAMES = 3, BACK_FRAMES = 15, REVIEW_FRAMES = 25, TRIAL_FRAMES = 30, LATEST_FRAMES = 50,
    ROOM_FRAMES = 75, FAR_FRAMES = 15, CHECK_FRAMES = 12, LOOK_BACK = 25, TORN_MS = 5, PAST_FRAMES = 75,
    LOUD_FRAMES = 4, SOON = 4, SOON_OF = 6, FIRST = 3, FIRST_OF = 8, LATER = 11, LATER_OF = 14, MOST_ACTIVE = 64,
};

static const double SILENT = -96.0, UNKNOWN_ON = -30.0, UNHEARD = -95.0, QUIET = -55.0, LEAST_ON = 6.0, MOST_ON = 12.0,
    OFF = 3.0, LOWEST_ON = -52.0, LOWEST_OFF = -56.0, BELOW_PEAK = 30.0, ECHO_COUPLING = -20.0, ABOVE_ECHO = 4.0,
    HYSTERESIS = 0.15, CONFIRM = 0.4, REFUTE = 0.15, STEADY = 12.0, CLEAR = 0.87, NEAR_PEAK = 12.0, LOUD = -26.0,
    FIRST_CLEAR = 0.8, MOST_DIP = 18.0, LEAST_DIP = 12.0, ABOVE_ROOM = 3.0;
static const int RECHECK_FRAMES[] = {2, 2, 3, 5, 10};

enum { STARTED = 1, SILENCE = 2, RESUMED = 4, STOPPED = 8 };

static struct {
    bool ready;
    double unfiltered;
    float to_8k[TO_8K], voice[TAPS], consonants[TAPS], shape[WINDOW], fair[LONGEST - SHORTEST];
    int16_t laws[2][256];
} tables;

/* The latest of a few numbers: at the beginning of `line`, the oldest first. */
typedef struct { double loudness, clarity; bool whole; } Past;

typedef struct {
    PyObject_HEAD
    PyObject *process, *vad, *rate, *length, *ask;
    int law, frame_bytes, silence_ms, min_frames, most_active;
    double threshold;
    bool on_trial;
    /* the front */
    float wide[TO_8K - 1 + WIDE], line[TAPS - 1 + NARROW];
    /* what Silero may be asked about */
    float checked[CHECK_FRAMES][NARROW];
    int checks;
    /* holes */
    bool torn[PAST_FRAMES];
    int torn_at, torn_known, torn_count;
    /* the gate */
    double room[ROOM_FRAMES], ranked[ROOM_FRAMES], spoken[ROOM_FRAMES], far[FAR_FRAMES];
    int rooms, room_at, unheard, spoke, spoken_at, far_at;
    double low, high, peak;
    /* one voice */
    float before[NARROW];
    Past past[LOOK_BACK];
    int pasts;
    double dip;
    /* the detector */
    double loud[BACK_FRAMES];
    int louds;
    bool active[MOST_ACTIVE];
    int actives;
    long fed, begun, next_check, last_speech;
    int run, refused;
    bool sure, tried, doubted, speaking, quiet, voiced;
} Detector;

static double most(double one, double other) { return one > other ? one : other; }
static double least(double one, double other) { return one < other ? one : other; }

/* ── sums ── */

static float dot(const float *one, const float *other, int count)
{
    float sums[8] = {0};
    int at = 0;
    for (; at + 8 <= count; at += 8)
        for (int lane = 0; lane < 8; lane++)
            sums[lane] += one[at + lane] * other[at + lane];
    for (; at < count; at++)
        sums[0] += one[at] * other[at];
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/* The rms of a frame in dB below full scale: `media.level.dbfs`. `law` < 0: PCM16. */
static double level_of(const unsigned char *audio, Py_ssize_t size, int law)
{
    int64_t power = 0;
    Py_ssize_t count = law < 0 ? size / 2 : size;
    if (!count)
        return SILENT;
    for (Py_ssize_t at = 0; at < count; at++) {
        int32_t sample = law < 0 ? (int16_t)(audio[2 * at] | audio[2 * at + 1] << 8) : tables.laws[law][audio[at]];
        power += (int64_t)sample * sample;
    }
    if (!power)
        return SILENT;
    return most(SILENT, 10.0 * log10((double)power / (double)count / (32768.0 * 32768.0)));
}

/* ── the front: `Front.take`, `Bands.loudness` ── */

static void take(Detector *self, const unsigned char *frame, float *narrow)
{
    if (self->law >= 0) {
        for (int at = 0; at < NARROW; at++)
            narrow[at] = (float)tables.laws[self->law][frame[at]] / 32768.0f;
        return;
    }
    memmove(self->wide, self->wide + WIDE, (TO_8K - 1) * sizeof(float));
    for (int at = 0; at < WIDE; at++)
        self->wide[TO_8K - 1 + at] = (float)(int16_t)(frame[2 * at] | frame[2 * at + 1] << 8);
    for (int at = 0; at < NARROW; at++)
        narrow[at] = dot(self->wide + 3 * at, tables.to_8k, TO_8K);
}

static double loudness_of(Detector *self, const float *narrow)
{
    float *line = self->line;
    memmove(line, line + NARROW, (TAPS - 1) * sizeof(float));
    memcpy(line + TAPS - 1, narrow, NARROW * sizeof(float));
    double power = (double)dot(narrow, narrow, NARROW) / NARROW;
    if (power > tables.unfiltered) {
        float voice[NARROW], consonants[NARROW];
        const int middle = TAPS / 2;
        for (int at = 0; at < NARROW; at++) {
            voice[at] = tables.voice[middle] * line[at + middle];
            consonants[at] = tables.consonants[middle] * line[at + middle];
        }
        /* The kernels are symmetric. */
        for (int tap = 0; tap < middle; tap++) {
            const float *early = line + tap, *late = line + TAPS - 1 - tap;
            const float low = tables.voice[tap], high = tables.consonants[tap];
            for (int at = 0; at < NARROW; at++) {
                const float both = early[at] + late[at];
                voice[at] += low * both;
                consonants[at] += high * both;
            }
        }
        power = most(dot(voice, voice, NARROW), dot(consonants, consonants, NARROW)) / NARROW;
    }
    return power > 1e-10 ? 10.0 * log10(power) : SILENT;
}

/* ── the classifiers ── */

/* What webrtcvad says: 1 or 0; -1 with an exception. */
static int likeness_of(Detector *self, const unsigned char *frame, const float *narrow)
{
    unsigned char pcm[2 * NARROW];
    for (int at = 0; at < NARROW; at++) {
        int16_t sample;
        if (self->law >= 0) {
            sample = tables.laws[self->law][frame[at]];
        } else {
            float loud = narrow[at] * 32767.0f;
            loud = loud > 32767.0f ? 32767.0f : loud < -32768.0f ? -32768.0f : loud;
            sample = (int16_t)loud;
        }
        pcm[2 * at] = (unsigned char)(sample & 0xff);
        pcm[2 * at + 1] = (unsigned char)((uint16_t)sample >> 8);
    }
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)pcm, sizeof pcm);
    if (!bytes)
        return -1;
    PyObject *said = PyObject_CallFunctionObjArgs(self->process, self->vad, self->rate, bytes, self->length, NULL);
    Py_DECREF(bytes);
    if (!said)
        return -1;
    int like = PyObject_IsTrue(said);
    Py_DECREF(said);
    return like;
}

static void remember(Detector *self, const float *narrow)
{
    if (self->checks == CHECK_FRAMES) {
        memmove(self->checked[0], self->checked[1], (CHECK_FRAMES - 1) * sizeof self->checked[0]);
        self->checks--;
    }
    memcpy(self->checked[self->checks++], narrow, sizeof self->checked[0]);
}

/* What Silero says of the latest frames: 0 to 1; below 0 with an exception. */
static double ask(Detector *self)
{
    PyObject *line = PyBytes_FromStringAndSize(
        (const char *)self->checked, self->checks * (Py_ssize_t)sizeof self->checked[0]);
    if (!line)
        return -1.0;
    PyObject *said = PyObject_CallFunctionObjArgs(self->ask, line, NULL);
    Py_DECREF(line);
    if (!said)
        return -1.0;
    double like = PyFloat_AsDouble(said);
    Py_DECREF(said);
    return PyErr_Occurred() ? -1.0 : like;
}

/* ── holes ── */

static bool hole_in(Detector *self, const unsigned char *frame)
{
    const int size = self->frame_bytes, torn_bytes = size * TORN_MS / FRAME_MS;
    const unsigned char nothing = self->law < 0 ? 0 : self->law == 0 ? 0xff : 0xd5;
    bool head = true, tail = true;
    for (int at = 0; at < torn_bytes && (head || tail); at++) {
        head = head && frame[at] == nothing;
        tail = tail && frame[size - 1 - at] == nothing;
    }
    const bool torn = head || tail, hole = torn && 2 * self->torn_count <= self->torn_known;
    if (self->torn_known == PAST_FRAMES)
        self->torn_count -= self->torn[self->torn_at];
    else
        self->torn_known++;
    self->torn[self->torn_at] = torn;
    self->torn_count += torn;
    self->torn_at = (self->torn_at + 1) % PAST_FRAMES;
    return hole;
}

/* ── the gate ── */

static double echo_of(const Detector *self)
{
    double loudest = SILENT;
    for (int at = 0; at < FAR_FRAMES; at++)
        loudest = most(loudest, self->far[at]);
    return loudest;
}

static void next_far(Detector *self)
{
    self->far_at = (self->far_at + 1) % FAR_FRAMES;
    self->far[self->far_at] = SILENT;
}

static void far_level(Detector *self, double dbfs)
{
    self->far[self->far_at] = most(self->far[self->far_at], dbfs);
}

static void gate_room(Detector *self, double loudness)
{
    const double echo = echo_of(self);
    next_far(self);
    if (!self->rooms && loudness <= UNHEARD && self->unheard < ROOM_FRAMES) {
        self->unheard++;
    } else if (echo == SILENT || loudness <= QUIET) {
        double *ranked = self->ranked;
        int at = 0;
        if (self->rooms == ROOM_FRAMES) {
            while (ranked[at] < self->room[self->room_at])
                at++;
            memmove(ranked + at, ranked + at + 1, (size_t)(ROOM_FRAMES - 1 - at) * sizeof *ranked);
            self->rooms--;
        }
        for (at = self->rooms; at > 0 && ranked[at - 1] > loudness; at--)
            ranked[at] = ranked[at - 1];
        ranked[at] = loudness;
        self->rooms++;
        self->room[self->room_at] = loudness;
        self->room_at = (self->room_at + 1) % ROOM_FRAMES;
        self->low = ranked[self->rooms / 5];
        self->high = ranked[self->rooms * 4 / 5];
    }
}

static void gate_spoken(Detector *self, double loudness)
{
    next_far(self);
    self->spoken[self->spoken_at] = loudness;
    self->spoken_at = (self->spoken_at + 1) % ROOM_FRAMES;
    if (self->spoke < ROOM_FRAMES)
        self->spoke++;
    self->peak = most(self->peak, loudness);
}

static void gate_over(Detector *self)
{
    self->spoke = self->spoken_at = 0;
    self->peak = SILENT;
}

static double gate_on(const Detector *self)
{
    const double swell = most(LEAST_ON, least(MOST_ON, 4.0 + 2.0 * (self->high - self->low)));
    const double unknown = self->rooms < ROOM_FRAMES ? UNKNOWN_ON : SILENT;
    const double echo = echo_of(self) + ECHO_COUPLING;
    return most(most(LOWEST_ON, self->low + swell), most(unknown, echo + ABOVE_ECHO));
}

static double gate_off(const Detector *self)
{
    double gaps = SILENT;
    if (self->spoke == ROOM_FRAMES) {
        gaps = self->spoken[0];
        for (int at = 1; at < ROOM_FRAMES; at++)
            gaps = least(gaps, self->spoken[at]);
    }
    const double floor = most(least(self->high, self->low + LEAST_ON), gaps) + OFF;
    return most(most(LOWEST_OFF, floor), most(self->peak - BELOW_PEAK, echo_of(self) + ECHO_COUPLING));
}

/* ── one voice ── */

static double clarity_of(const float *before, const float *narrow)
{
    /* The zeroes after the window are those that its autocorrelation runs into. */
    float line[WINDOW + LONGEST] = {0}, sums[LONGEST] = {0};
    double mean = 0.0;
    for (int at = 0; at < NARROW; at++)
        mean += (double)before[at] + (double)narrow[at];
    const float middle = (float)(mean / WINDOW);
    for (int at = 0; at < NARROW; at++) {
        line[at] = (before[at] - middle) * tables.shape[at];
        line[NARROW + at] = (narrow[at] - middle) * tables.shape[NARROW + at];
    }
    for (int at = 0; at < WINDOW; at++) {
        const float sample = line[at], *later = line + at;
        for (int period = 0; period < LONGEST; period++)
            sums[period] += sample * later[period];
    }
    const double power = sums[0];
    if (!(power > 1e-9))
        return 0.0;
    float best = sums[SHORTEST] * tables.fair[0];
    for (int period = SHORTEST + 1; period < LONGEST; period++) {
        const float fair = sums[period] * tables.fair[period - SHORTEST];
        best = fair > best ? fair : best;
    }
    return (double)best / power;
}

static void voice_feed(Detector *self, const float *narrow, double loudness, bool sounds, bool whole)
{
    if (self->pasts == LOOK_BACK) {
        memmove(self->past, self->past + 1, (LOOK_BACK - 1) * sizeof *self->past);
        self->pasts--;
    }
    self->past[self->pasts++] = (Past){loudness, sounds ? clarity_of(self->before, narrow) : 0.0, whole};
    memcpy(self->before, narrow, sizeof self->before);
}

static void voice_begin(Detector *self, int frames)
{
    const int keep = frames > 1 ? frames : 1;
    if (self->pasts > keep) {
        memmove(self->past, self->past + self->pasts - keep, (size_t)keep * sizeof *self->past);
        self->pasts = keep;
    }
    double peak = self->past[0].loudness;
    for (int at = 1; at < self->pasts; at++)
        peak = most(peak, self->past[at].loudness);
    self->dip = least(MOST_DIP, most(LEAST_DIP, peak - self->low - ABOVE_ROOM));
}

static bool voiced(const Detector *self)
{
    const int count = self->pasts;
    int later = 0, soon = 0, first = 0;
    bool loud = false;
    double peak = self->past[0].loudness;
    for (int at = 1; at < count; at++)
        peak = most(peak, self->past[at].loudness);
    for (int at = 0; at < count; at++) {
        const Past *past = self->past + at;
        const double clarity = past->loudness >= peak - NEAR_PEAK ? past->clarity : 0.0;
        later += at >= count - LATER_OF && clarity >= CLEAR;
        soon += at >= count - SOON_OF && clarity >= CLEAR;
        first += clarity >= FIRST_CLEAR;
        loud = loud || (at >= count - LOUD_FRAMES && past->loudness >= LOUD);
    }
    if (later >= LATER)
        return true;
    return loud && (soon >= SOON || (!self->on_trial && count <= FIRST_OF && first >= FIRST));
}

static bool dipped(const Detector *self)
{
    double peak = SILENT, before = SILENT;
    for (int at = 0; at < self->pasts; at++) {
        const Past *past = self->past + at;
        peak = most(peak, past->loudness);
        if (past->whole && peak - past->loudness >= self->dip && (past->loudness > SILENT || before == SILENT))
            return true;
        before = past->loudness;
    }
    return false;
}

static bool heard(const Detector *self) { return voiced(self) || dipped(self); }

/* ── the detector ── */

static double smooth(const Detector *self)
{
    const double *latest = self->loud + self->louds - 1;
    return (latest[-1] + most(latest[0], latest[-2])) / 2;
}

static void push_active(Detector *self, bool active)
{
    if (self->actives == self->most_active) {
        memmove(self->active, self->active + 1, (size_t)(self->most_active - 1) * sizeof *self->active);
        self->actives--;
    }
    self->active[self->actives++] = active;
}

static int count_active(const Detector *self)
{
    int count = 0;
    for (int at = 0; at < self->actives; at++)
        count += self->active[at];
    return count;
}

/* 1, 0, or -1 with an exception. */
static int confirmed(Detector *self)
{
    if (self->ask == Py_None)
        return 1;
    if (self->refused && self->fed < self->next_check)
        return 0;
    const double like = ask(self);
    if (like < 0.0)
        return -1;
    if (like >= CONFIRM)
        return 1;
    self->next_check = self->fed + RECHECK_FRAMES[self->refused < 4 ? self->refused : 4];
    self->refused++;
    return 0;
}

static int begin(Detector *self)
{
    const double floor = gate_off(self);
    const int count = self->louds;
    int back = 1;
    while (back + 1 < count && most(self->loud[count - 1 - back], self->loud[count - 2 - back]) > floor)
        back++;
    voice_begin(self, back);
    return back;
}

static int start(Detector *self)
{
    self->speaking = true;
    self->quiet = self->doubted = false;
    self->refused = 0;
    self->run = 2;
    self->next_check = self->fed + REVIEW_FRAMES;
    self->last_speech = self->fed * FRAME_MS;
    const long ago = self->fed - self->begun;
    for (int at = ago < self->louds ? self->louds - (int)ago : 0; at < self->louds; at++)
        gate_spoken(self, self->loud[at]);
    self->actives = 0;
    return STARTED;
}

static int outside(Detector *self, double likeness, double loudness)
{
    push_active(self, likeness >= self->threshold && smooth(self) >= gate_on(self));
    const int actives = count_active(self);
    if (!actives) {
        self->refused = 0;
        self->begun = -1;
        self->tried = false;
    }
    if (self->begun < 0 && self->active[self->actives - 1] && actives >= self->min_frames) {
        const int sure = confirmed(self);
        if (sure < 0)
            return -1;
        if (sure)
            self->begun = self->fed - begin(self);
    }
    if (self->begun >= 0) {
        self->sure = heard(self);
        if (self->sure && (self->tried || self->fed - self->begun > LATEST_FRAMES))
            self->begun = self->fed - begin(self);
        if (self->sure || (self->on_trial && !self->tried))
            return start(self);
    }
    gate_room(self, loudness);
    return 0;
}

static int retract(Detector *self)
{
    self->speaking = false;
    self->tried = true;
    self->last_speech = (self->begun < 0 ? 0 : self->begun) * FRAME_MS;
    gate_over(self);
    for (int at = 0; at < self->louds; at++)
        gate_room(self, self->loud[at]);
    push_active(self, true);
    return STOPPED;
}

static int within(Detector *self, double likeness, double loudness)
{
    gate_spoken(self, loudness);
    if (!self->sure) {
        self->sure = heard(self);
        if (!self->sure && self->fed - (self->begun < 0 ? 0 : self->begun) >= TRIAL_FRAMES)
            return retract(self);
    }
    const bool active = likeness >= self->threshold - HYSTERESIS && loudness >= gate_off(self);
    if (active && self->ask != Py_None && self->fed >= self->next_check) {
        double loudest = self->loud[0], softest = self->loud[0];
        for (int at = 1; at < self->louds; at++) {
            loudest = most(loudest, self->loud[at]);
            softest = least(softest, self->loud[at]);
        }
        if (loudest - softest < STEADY || self->doubted) {
            const double like = ask(self);
            if (like < 0.0)
                return -1;
            self->doubted = like < REFUTE;
        }
        self->next_check = self->fed + (self->doubted ? 2 : REVIEW_FRAMES);
    }
    self->run = active && !self->doubted ? self->run + 1 : 0;
    const long now = self->fed * FRAME_MS;
    if (self->run >= 2 || (self->run == 1 && !self->quiet)) {
        self->last_speech = now;
        if (!self->quiet)
            return 0;
        self->quiet = false;
        return RESUMED;
    }
    const long silence = now - (self->last_speech < 0 ? 0 : self->last_speech);
    int told = 0;
    if (silence >= QUIET_MS && !self->quiet) {
        self->quiet = true;
        told |= SILENCE;
    }
    if (silence >= self->silence_ms) {
        self->speaking = self->tried = false;
        self->begun = -1;
        gate_over(self);
        told |= STOPPED;
    }
    return told;
}

/* ── as Python sees it ── */

static PyObject *detector_feed(PyObject *object, PyObject *frame)
{
    Detector *self = (Detector *)object;
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(frame, &bytes, &size) < 0)
        return NULL;
    if (size != self->frame_bytes)
        return PyErr_Format(PyExc_ValueError, "a frame of %zd bytes; 20 ms are %d", size, self->frame_bytes);
    const unsigned char *audio = (const unsigned char *)bytes;
    float narrow[NARROW];
    take(self, audio, narrow);
    const double loudness = loudness_of(self, narrow);
    const int likeness = likeness_of(self, audio, narrow);
    if (likeness < 0)
        return NULL;
    self->voiced = likeness >= self->threshold;
    remember(self, narrow);
    if (self->louds == BACK_FRAMES) {
        memmove(self->loud, self->loud + 1, (BACK_FRAMES - 1) * sizeof *self->loud);
        self->louds--;
    }
    self->loud[self->louds++] = loudness;
    self->fed++;
    if (!(self->speaking && self->sure)) {
        const double evenly = smooth(self);
        const bool whole = !hole_in(self, audio);
        voice_feed(self, narrow, loudness, evenly >= LOWEST_OFF && evenly >= gate_off(self), whole);
    }
    const int told = self->speaking ? within(self, likeness, loudness) : outside(self, likeness, loudness);
    return told < 0 ? NULL : PyLong_FromLong(told);
}

static PyObject *detector_far(PyObject *object, PyObject *dbfs)
{
    const double level = PyFloat_AsDouble(dbfs);
    if (PyErr_Occurred())
        return NULL;
    far_level((Detector *)object, level);
    Py_RETURN_NONE;
}

static PyObject *detector_played(PyObject *object, PyObject *frame)
{
    Detector *self = (Detector *)object;
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(frame, &bytes, &size) < 0)
        return NULL;
    far_level(self, level_of((const unsigned char *)bytes, size, self->law));
    Py_RETURN_NONE;
}

static PyObject *get_fed(PyObject *self, void *none)
{
    (void)none;
    return PyLong_FromLong(((Detector *)self)->fed * FRAME_MS);
}

static PyObject *get_begun(PyObject *self, void *none)
{
    (void)none;
    return PyLong_FromLong(((Detector *)self)->begun * FRAME_MS);
}

static PyObject *get_resumed(PyObject *object, void *none)
{
    Detector *self = (Detector *)object;
    (void)none;
    return PyLong_FromLong((self->fed - self->run) * FRAME_MS);
}

static PyObject *get_last_speech(PyObject *object, void *none)
{
    Detector *self = (Detector *)object;
    (void)none;
    if (self->last_speech < 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(self->last_speech);
}

static PyObject *get_speaking(PyObject *self, void *none)
{
    (void)none;
    return PyBool_FromLong(((Detector *)self)->speaking);
}

static PyObject *get_voiced(PyObject *self, void *none)
{
    (void)none;
    return PyBool_FromLong(((Detector *)self)->voiced);
}

static PyObject *get_loudness(PyObject *object, void *none)
{
    Detector *self = (Detector *)object;
    (void)none;
    return PyFloat_FromDouble(self->loud[self->louds - 1]);
}

static PyObject *get_clarity(PyObject *object, void *none)
{
    Detector *self = (Detector *)object;
    (void)none;
    return PyFloat_FromDouble(self->pasts ? self->past[self->pasts - 1].clarity : 0.0);
}

static PyObject *get_silence(PyObject *self, void *none)
{
    (void)none;
    return PyLong_FromLong(((Detector *)self)->silence_ms);
}

static int set_silence(PyObject *self, PyObject *value, void *none)
{
    (void)none;
    const long silence_ms = value ? PyLong_AsLong(value) : -1;
    if (PyErr_Occurred())
        return -1;
    if (silence_ms < 0 || silence_ms > INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "silence is some milliseconds long");
        return -1;
    }
    ((Detector *)self)->silence_ms = (int)silence_ms;
    return 0;
}

static PyObject *detector_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"process", "vad", "law", "silence_ms", "min_frames", "threshold", "on_trial", "ask", NULL};
    PyObject *process, *vad, *check;
    int law, silence_ms, min_frames, on_trial;
    double threshold;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOiiidpO", names, &process, &vad, &law, &silence_ms, &min_frames,
                                     &threshold, &on_trial, &check))
        return NULL;
    if (!tables.ready || law < -1 || law > 1 || min_frames < 1 || min_frames + SPAN_FRAMES > MOST_ACTIVE) {
        PyErr_SetString(PyExc_ValueError, "no tables, or settings out of range");
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Detector *self = (Detector *)allocate(type, 0);
    if (!self)
        return NULL;
    self->process = Py_NewRef(process);
    self->vad = Py_NewRef(vad);
    self->ask = Py_NewRef(check);
    self->rate = PyLong_FromLong(8000);
    self->length = PyLong_FromLong(NARROW);
    self->law = law;
    self->frame_bytes = law < 0 ? 2 * WIDE : NARROW;
    self->silence_ms = silence_ms;
    self->min_frames = min_frames;
    self->most_active = min_frames + SPAN_FRAMES;
    self->threshold = threshold;
    self->on_trial = on_trial;
    self->low = self->high = self->peak = SILENT;
    for (int at = 0; at < FAR_FRAMES; at++)
        self->far[at] = SILENT;
    for (self->louds = 0; self->louds < 3; self->louds++)
        self->loud[self->louds] = SILENT;
    self->dip = MOST_DIP;
    self->begun = self->last_speech = -1;
    if (!self->rate || !self->length) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int detector_traverse(PyObject *object, visitproc visit, void *arg)
{
    Detector *self = (Detector *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->process);
    Py_VISIT(self->vad);
    Py_VISIT(self->ask);
    return 0;
}

static int detector_clear(PyObject *object)
{
    Detector *self = (Detector *)object;
    Py_CLEAR(self->process);
    Py_CLEAR(self->vad);
    Py_CLEAR(self->ask);
    Py_CLEAR(self->rate);
    Py_CLEAR(self->length);
    return 0;
}

static void detector_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    detector_clear(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyMethodDef detector_methods[] = {
    {"feed", detector_feed, METH_O, PyDoc_STR("The next 20 ms: what is to be told, as bits.")},
    {"far_level", detector_far, METH_O, PyDoc_STR("What is being played with the next frame, in dB below full scale.")},
    {"played", detector_played, METH_O, PyDoc_STR("The same of a frame.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef detector_members[] = {
    {"fed_ms", get_fed, NULL, NULL, NULL},
    {"begun_ms", get_begun, NULL, NULL, NULL},
    {"resumed_ms", get_resumed, NULL, NULL, NULL},
    {"last_speech_ms", get_last_speech, NULL, NULL, NULL},
    {"speaking", get_speaking, NULL, NULL, NULL},
    {"voiced", get_voiced, NULL, NULL, NULL},
    {"silence_ms", get_silence, set_silence, NULL, NULL},
    {"loudness", get_loudness, NULL, NULL, NULL},
    {"clarity", get_clarity, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot detector_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("See `media.vad.SpeechDetector`.")},
    {Py_tp_new, detector_new},
    {Py_tp_dealloc, detector_dealloc},
    {Py_tp_traverse, detector_traverse},
    {Py_tp_clear, detector_clear},
    {Py_tp_methods, detector_methods},
    {Py_tp_getset, detector_members},
    {0, NULL},
};

static PyType_Spec detector_spec = {
    .name = "media.native.voice.Detector",
    .basicsize = sizeof(Detector),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = detector_slots,
};

static bool fill(PyObject *from, void *into, Py_ssize_t size)
{
    Py_buffer view;
    if (PyObject_GetBuffer(from, &view, PyBUF_SIMPLE) < 0)
        return false;
    const bool fits = view.len == size;
    if (fits)
        memcpy(into, view.buf, (size_t)size);
    else
        PyErr_SetString(PyExc_ValueError, "a table of another size");
    PyBuffer_Release(&view);
    return fits;
}

static PyObject *prepare(PyObject *module, PyObject *args)
{
    PyObject *to_8k, *voice, *consonants, *shape, *fair, *mu, *a;
    double unfiltered;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOOOOd", &to_8k, &voice, &consonants, &shape, &fair, &mu, &a, &unfiltered))
        return NULL;
    if (!fill(to_8k, tables.to_8k, sizeof tables.to_8k) || !fill(voice, tables.voice, sizeof tables.voice) ||
        !fill(consonants, tables.consonants, sizeof tables.consonants) ||
        !fill(shape, tables.shape, sizeof tables.shape) || !fill(fair, tables.fair, sizeof tables.fair) ||
        !fill(mu, tables.laws[0], sizeof tables.laws[0]) || !fill(a, tables.laws[1], sizeof tables.laws[1]))
        return NULL;
    tables.unfiltered = unfiltered;
    tables.ready = true;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"prepare", prepare, METH_VARARGS,
     PyDoc_STR("Take over the kernels and the tables of both laws. Raises ValueError where one is of another size.")},
    {NULL, NULL, 0, NULL},
};

static int populate(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &detector_spec, NULL);
    if (!type)
        return -1;
    const int failed = PyModule_AddObjectRef(module, "Detector", type);
    Py_DECREF(type);
    return failed ? failed : PyModule_AddIntConstant(module, "SOURCE", SOURCE);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, populate}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "voice",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_voice(void) { return PyModuleDef_Init(&definition); }
