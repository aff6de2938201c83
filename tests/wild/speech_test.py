"""Telling speech from silence, chunk by chunk with a state that goes back in, by Silero's detector: If in If, LSTM."""

import io
import subprocess
import wave

import numpy

from harness import expect, main
from wild import Model, by_command_line, compare, server

TEXT = "Open the door, walk along the river, and tell everybody in the village what you have seen this morning."
CHUNKS = 100
SPEECH, SILENCE = 0.5, 0.1  # chances


def speech(rate):
    """Samples in -1 to 1 of the text as a synthesiser says it."""
    said = subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "--stdout", TEXT], capture_output=True, check=True)
    with wave.open(io.BytesIO(said.stdout)) as file:
        own, samples = file.getframerate(), numpy.frombuffer(file.readframes(1 << 30), "<i2") / 32768
    return resample(samples, own, rate)


def resample(samples, rate, wanted):
    """By what its spectrum has below both Nyquist frequencies."""
    spectrum = numpy.fft.rfft(samples)
    count = round(len(samples) * wanted / rate)
    return numpy.fft.irfft(spectrum[: count // 2 + 1], count) * (count / len(samples))


def recording(rate):
    """A second of silence, then speech; and the length of a chunk."""
    chunk = 512 * rate // 16000
    samples = numpy.concatenate([numpy.zeros(rate), speech(rate)])
    expect(len(samples) >= CHUNKS * chunk, f"only {len(samples) / rate:.1f} s")
    return samples[: CHUNKS * chunk].astype("f4"), chunk


def chunks(samples, chunk):
    """What the network takes: each chunk behind the last samples of the one before it."""
    context = chunk // 8
    padded = numpy.concatenate([numpy.zeros(context, "f4"), samples])
    for first in range(0, len(samples), chunk):
        yield padded[None, first : first + context + chunk]


def hears(rate):
    samples, chunk = recording(rate)
    with server() as asked:
        model = Model(asked, "speech")
        state, number = numpy.zeros((2, 1, 128), "f4"), numpy.array(rate, "i8")
        chances = []
        for piece in chunks(samples, chunk):
            chance, state = model(input=numpy.ascontiguousarray(piece), state=state, sr=number)
            chances.append(float(chance[0, 0]))
        print(model.told())
    expect(len(chances) == CHUNKS, len(chances))
    loud = numpy.sqrt((samples.reshape(CHUNKS, chunk) ** 2).mean(axis=1)) > 0.01
    chances = numpy.array(chances)
    silent = chances[: rate // chunk]
    heard = (chances[loud] > SPEECH).mean()
    print(f"     {rate} Hz: {heard:.0%} of {loud.sum()} sounding chunks, at most {silent.max():.3f} in the silence")
    expect(not loud[: rate // chunk].any() and loud.sum() >= CHUNKS // 2, f"{loud.sum()} sounding chunks")
    expect(heard >= 0.9, f"{heard:.0%} of the sounding chunks: {chances.round(2)}")
    expect(silent.max() < SILENCE, silent.round(2))


def hears_speech_at_16_khz():
    hears(16000)


def hears_speech_at_8_khz():
    hears(8000)


def several_recordings_at_once_agree():
    with server() as asked:
        model = Model(asked, "speech")
        random = numpy.random.default_rng(5)
        for rate, length in ((16000, 576), (8000, 288)):
            state = numpy.zeros((2, 3, 128), "f4")
            for _ in range(5):
                values = random.uniform(-0.3, 0.3, (3, length)).astype("f4")
                _, state = model(input=values, state=state, sr=numpy.array(rate, "i8"))
        print(model.told())


def the_command_line_hears_as_much():
    samples, chunk = recording(16000)
    piece = numpy.ascontiguousarray(list(chunks(samples, chunk))[50])
    inputs = {"input": piece, "state": numpy.zeros((2, 1, 128), "f4"), "sr": numpy.array(16000, "i8")}
    outputs, peer = by_command_line("speech", **inputs), Model(None, "speech").peer
    for output, wanted in zip(peer.get_outputs(), peer.run(None, inputs)):
        compare(output.name, outputs[output.name], wanted)


if __name__ == "__main__":
    main([hears_speech_at_16_khz, hears_speech_at_8_khz, several_recordings_at_once_agree,
          the_command_line_hears_as_much])
