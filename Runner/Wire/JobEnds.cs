using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>The one end of a job, to and from the wire.</summary>
static class JobEnds
{
    public static V1.Ended ToWire(DateTimeOffset endedAt, JobEnd end)
    {
        var wire = new V1.Ended { EndedAt = Timestamp.FromDateTimeOffset(endedAt) };
        switch (end)
        {
            case JobEnd.Exited(var code):
                wire.Reason = V1.EndReason.Exited;
                SetExit(wire, new ProcessExit.Exited(code));
                break;
            case JobEnd.Signaled(var signal, var core):
                wire.Reason = V1.EndReason.Signaled;
                SetExit(wire, new ProcessExit.Signaled(signal, core));
                break;
            case JobEnd.OutOfMemory(var exit):
                wire.Reason = V1.EndReason.OutOfMemory;
                SetExit(wire, exit);
                break;
            case JobEnd.Stopped(var by, var exit):
                wire.Reason = V1.EndReason.Stopped;
                wire.StoppedBy = by;
                SetExit(wire, exit);
                break;
            case JobEnd.Lost(var reason):
                wire.Reason = V1.EndReason.Lost;
                wire.Detail = reason;
                break;
            default:
                throw new InvalidOperationException($"no wire form for {end}");
        }
        return wire;
    }

    public static JobEnd FromWire(V1.Ended wire) => wire.Reason switch
    {
        V1.EndReason.Exited => new JobEnd.Exited(wire.Code),
        V1.EndReason.Signaled => new JobEnd.Signaled(wire.Signal, wire.CoreDumped),
        V1.EndReason.OutOfMemory => new JobEnd.OutOfMemory(Exit(wire)),
        V1.EndReason.Stopped => new JobEnd.Stopped(wire.StoppedBy, Exit(wire)),
        V1.EndReason.Lost => new JobEnd.Lost(wire.Detail),
        _ => throw new InvalidDataException($"the server told an end this client does not know ({wire.Reason}); a newer client may"),
    };

    private static void SetExit(V1.Ended wire, ProcessExit exit)
    {
        if (exit is ProcessExit.Signaled signaled) (wire.Signal, wire.CoreDumped) = (signaled.Signal, signaled.CoreDumped);
        else wire.Code = ((ProcessExit.Exited)exit).Code;
    }

    private static ProcessExit Exit(V1.Ended wire) => wire.ExitCase is V1.Ended.ExitOneofCase.Signal
        ? new ProcessExit.Signaled(wire.Signal, wire.CoreDumped)
        : new ProcessExit.Exited(wire.Code);
}
