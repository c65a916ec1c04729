using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>What a `runner serve` in the foreground wants of a lasting keeper: to serve so and so, and to be told over its line how it goes.</summary>
/// <param name="Line">Its line; stays the caller's.</param>
/// <param name="Order">How to start a server, as <see cref="OrderFile"/> has it.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
/// <param name="Alive">How often to say at least that all is well, in milliseconds; 0: not at all.</param>
/// <param name="Patience">How long a server may be silent, in milliseconds.</param>
/// <param name="Leaves">A stop leaves the jobs.</param>
sealed record FrontWish(Fd Line, Fd Order, Fd Output, Fd Errors, int Alive, int Patience, bool Leaves) : IDisposable
{
    /// <summary>Every descriptor in it.</summary>
    public IEnumerable<Fd> Fds => [Line, Order, Output, Errors];

    /// <summary>Null: it is none that can be understood.</summary>
    public static FrontWish? Of(MessageSocket line, ReceivedMessage message)
    {
        if (message.Fds is [var order, var output, var errors] && FrontMessages.Read(message.Bytes.Span) is (FrontMessage.Serve, [var alive, var patience, var leaves]))
            return new(line.Descriptor, order, output, errors, alive, patience, leaves == 1);
        message.DropFds();
        return null;
    }

    /// <summary>What it orders.</summary>
    /// <exception cref="InvalidDataException">That makes no sense, or one of the others that reading a file throws.</exception>
    public SpawnOrder ReadOrder() => OrderFile.Read(Order, [Order, Order, Output, Errors]) with { Cgroup = null };

    public void Write(BinaryWriter to)
    {
        foreach (var fd in Fds) to.Write(fd.Number);
        to.Write(Alive);
        to.Write(Patience);
        to.Write(Leaves);
    }

    public static FrontWish Read(BinaryReader from) =>
        new(new Fd(from.ReadInt32()), new Fd(from.ReadInt32()), new Fd(from.ReadInt32()), new Fd(from.ReadInt32()), from.ReadInt32(), from.ReadInt32(), from.ReadBoolean());

    /// <summary>The line is not this object's.</summary>
    public void Dispose()
    {
        foreach (var fd in new[] { Order, Output, Errors }) fd.Dispose();
    }
}
