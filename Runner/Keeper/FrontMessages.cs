using System.Text;

namespace Runner.Keeper;

/// <summary>What a `runner serve` in the foreground and the keeper that outlives it say to each other.</summary>
enum FrontMessage : byte
{
    /// <summary>Serve: how often to say that all is well at least and how long a server may be silent, in milliseconds; whether a stop leaves the
    /// jobs (1). Descriptors: how to start a server, standard output and error.</summary>
    Serve = 1,

    /// <summary>A signal: its number.</summary>
    Signal = 2,

    /// <summary>Something for the service manager: lines of NAME=value.</summary>
    Facts = 65,

    /// <summary>The server has ended: exit code, how many jobs go on.</summary>
    Ended = 66,

    /// <summary>The keeper has become the program on the disk, which is of this version or newer: the front may do so too.</summary>
    Replaced = 67,
}

/// <summary>These messages as bytes.</summary>
static class FrontMessages
{
    public static byte[] Facts(string facts) => [(byte)FrontMessage.Facts, .. Encoding.UTF8.GetBytes(facts)];

    public static string ReadFacts(ReadOnlySpan<byte> message) => Encoding.UTF8.GetString(message[1..]);

    public static byte[] Number(FrontMessage kind, params int[] numbers) => [(byte)kind, .. numbers.SelectMany(BitConverter.GetBytes)];

    public static (FrontMessage Kind, int[] Numbers) Read(ReadOnlySpan<byte> message)
    {
        var numbers = new int[(message.Length - 1) / sizeof(int)];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = BitConverter.ToInt32(message[(1 + i * sizeof(int))..]);
        return ((FrontMessage)message[0], numbers);
    }
}
