using Google.Protobuf.WellKnownTypes;

namespace Runner.Wire;

/// <summary>Instants from the wire, where any two numbers may come.</summary>
static class Timestamps
{
    /// <summary>Null: out of the type's range, the years 1 to 9999.</summary>
    public static DateTimeOffset? FromWire(Timestamp wire)
    {
        try
        {
            return wire.ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
