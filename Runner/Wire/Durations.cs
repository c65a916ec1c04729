using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Spans of time from the wire, where any two numbers may come.</summary>
static class Durations
{
    private const long MostSeconds = 315_576_000_000; // the type's own bound, google/protobuf/duration.proto

    /// <summary>Exact to 100 ns; what is finer is rounded away from zero, so that no span becomes nothing or slips under a bound.</summary>
    /// <exception cref="JobException">Out of the type's range, or its parts contradict each other.</exception>
    public static TimeSpan FromWire(string field, Duration wire)
    {
        var contradict = wire.Seconds > 0 && wire.Nanos < 0 || wire.Seconds < 0 && wire.Nanos > 0;
        return contradict || wire.Seconds is > MostSeconds or < -MostSeconds || wire.Nanos is > 999_999_999 or < -999_999_999
            ? throw JobRules.Bad(field, $"{field} {wire.Seconds} s {wire.Nanos} ns: must be a span of time, both parts with one sign and less than a second of nanoseconds")
            : TimeSpan.FromTicks((wire.Seconds * TimeSpan.TicksPerSecond) + ((wire.Nanos + (Math.Sign(wire.Nanos) * 99)) / 100));
    }
}
