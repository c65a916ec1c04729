using System.Diagnostics;

namespace Runner.Bench.Measuring;

/// <summary>Time since some moment, by the clock that the floor programs use too (CLOCK_MONOTONIC).</summary>
static class Clock
{
    public static long Now => Stopwatch.GetTimestamp();

    public static double MillisecondsSince(long begin) => Stopwatch.GetElapsedTime(begin).TotalMilliseconds;

    public static double MicrosecondsSince(long begin) => Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
}
