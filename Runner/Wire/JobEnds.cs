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
            case JobEnd.TimedOut(var exit):
                wire.Reason = V1.EndReason.TimedOut;
                SetExit(wire, exit);
                break;
            case JobEnd.OutputLimit(var exit):
                wire.Reason = V1.EndReason.OutputLimit;
                SetExit(wire, exit);
                break;
            case JobEnd.CouldNotStart(var reason):
                wire.Reason = V1.EndReason.CouldNotStart;
                wire.Detail = reason;
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

    /// <exception cref="InvalidDataException">An end of a newer server, or one that does not say how the process went.</exception>
    public static JobEnd FromWire(V1.Ended wire) => wire.Reason switch
    {
        V1.EndReason.Exited when Exit(wire) is ProcessExit.Exited(var code) => new JobEnd.Exited(code),
        V1.EndReason.Signaled when Exit(wire) is ProcessExit.Signaled(var signal, var core) => new JobEnd.Signaled(signal, core),
        V1.EndReason.OutOfMemory => new JobEnd.OutOfMemory(Exit(wire)),
        V1.EndReason.TimedOut => new JobEnd.TimedOut(Exit(wire)),
        V1.EndReason.OutputLimit => new JobEnd.OutputLimit(Exit(wire)),
        V1.EndReason.Stopped => new JobEnd.Stopped(wire.StoppedBy, Exit(wire)),
        V1.EndReason.CouldNotStart => new JobEnd.CouldNotStart(wire.Detail),
        V1.EndReason.Lost => new JobEnd.Lost(wire.Detail),
        V1.EndReason.Exited or V1.EndReason.Signaled => throw new InvalidDataException($"the end {wire.Reason} contradicts how the process went"),
        _ => throw new InvalidDataException($"an end that this client does not know ({wire.Reason}); a newer one may"),
    };

    private static void SetExit(V1.Ended wire, ProcessExit exit)
    {
        if (exit is ProcessExit.Signaled signaled) (wire.Signal, wire.CoreDumped) = (signaled.Signal, signaled.CoreDumped);
        else wire.Code = ((ProcessExit.Exited)exit).Code;
    }

    private static ProcessExit Exit(V1.Ended wire) => wire.ExitCase switch
    {
        V1.Ended.ExitOneofCase.Signal => new ProcessExit.Signaled(wire.Signal, wire.CoreDumped),
        V1.Ended.ExitOneofCase.Code => new ProcessExit.Exited(wire.Code),
        _ => throw new InvalidDataException($"the end {wire.Reason} does not tell how the process went"),
    };
}
