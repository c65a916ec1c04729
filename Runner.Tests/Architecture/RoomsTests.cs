using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.Architecture;

/// <summary>The map of rooms: which may know which. Only the files directly under Runner/ know all.</summary>
public sealed partial class RoomsTests
{
    private static readonly Dictionary<string, string[]> s_mayKnow = new()
    {
        ["Output"] = [],
        ["Access"] = [],
        ["Grpc"] = [],
        ["Certificates"] = ["Access"],
        ["Jobs"] = ["Output", "Access"],
        ["Store"] = ["Jobs", "Output"],
        ["Linux"] = ["Jobs", "Output"],
        ["Keeper"] = ["Linux", "Jobs"],
        ["Wire"] = ["Jobs", "Output", "Access", "Grpc"],
        ["Server"] = ["Wire", "Grpc", "Jobs", "Output", "Access", "Certificates"],
        ["Client"] = ["Wire", "Grpc", "Jobs", "Output", "Certificates"],
        ["Cli"] = ["Client", "Server", "Wire", "Jobs", "Output", "Certificates", "Access"],
    };

    // What a room is to its neighbours when it is a library to everybody else.
    private static readonly Dictionary<string, string[]> s_libraries = new()
    {
        ["Google.Protobuf"] = ["Wire", "Grpc", "Server", "Client"],
        ["Microsoft.Data.Sqlite"] = ["Store"],
        ["SQLitePCL"] = ["Store"],
        ["Microsoft.AspNetCore"] = ["Grpc", "Server"],
        ["System.CommandLine"] = ["Cli"],
        ["System.Net.Security"] = ["Certificates", "Server", "Client"],
        ["System.Security.Cryptography"] = ["Certificates", "Server", "Client", "Cli", "Grpc", "Output"],
        ["System.Net.Http"] = ["Client", "Grpc"],
    };

    public static TheoryData<string> Rooms => [.. s_mayKnow.Keys];

    [Fact]
    public void Every_folder_is_a_room_on_the_map() =>
        Assert.Equal(s_mayKnow.Keys.Order(), Directory.GetDirectories(Repository.At("Runner")).Select(Path.GetFileName).Order());

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_knows_only_the_rooms_it_may(string room) =>
        Assert.Empty(Lines(room).SelectMany(line => RoomsIn(room is "Grpc" ? OutsideOurNamespace(line.Text) : line.Text)
            .Where(known => known != room && !s_mayKnow[room].Contains(known))
            .Select(known => $"{line.At}: {room} may not know {known}")));

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_libraries_it_may(string room) =>
        Assert.Empty(Lines(room).SelectMany(line => s_libraries
            .Where(library => !library.Value.Contains(room) && line.Text.Contains(library.Key, StringComparison.Ordinal))
            .Select(library => $"{line.At}: {room} may not use {library.Key}")));

    [Fact]
    public void Only_the_terminal_room_uses_the_console() =>
        Assert.Empty(s_mayKnow.Keys.Where(room => room != "Cli").SelectMany(Lines)
            .Where(line => ConsoleUse().IsMatch(line.Text)).Select(line => line.At));

    [Fact]
    public void No_file_is_longer_than_400_lines() =>
        Assert.DoesNotContain(
            new[] { "Runner", "Runner.Tests", "proto", "certs", "bench" }
                .SelectMany(folder => Directory.EnumerateFiles(Repository.At(folder), "*", SearchOption.AllDirectories))
                .Where(file => !file.Contains("/node_modules/", StringComparison.Ordinal) && !file.Contains("/bench/results/", StringComparison.Ordinal) && !file.EndsWith("package-lock.json", StringComparison.Ordinal)),
            file => File.ReadLines(file).Count() > 400);

    [Fact]
    public void The_walls_can_be_seen_to_fall()
    {
        Assert.Equal(["Linux"], RoomsIn("using Runner.Linux.Native;"));
        Assert.Equal(["Linux"], RoomsIn("    var e = Linux.Native.Errno.EIO;"));
        Assert.Equal(["Jobs"], RoomsIn("    Runner.Jobs.JobId id;"));
        Assert.Equal(["Grpc"], RoomsIn("using Grpc.Core;"));
        Assert.Empty(RoomsIn("    return output.Store; // Linux 5.14, ServerSideJobs"));
        Assert.Empty(RoomsIn("/// <summary>Linux.Native</summary>"));
    }

    private static IEnumerable<(string At, string Text)> Lines(string room) =>
        Directory.EnumerateFiles(Repository.At("Runner", room), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => File.ReadLines(file).Select((text, index) => ($"{Path.GetRelativePath(Repository.Root, file)}:{index + 1}", text)));

    /// <summary>Rooms named with something of theirs, in code: `using Runner.Jobs`, `Linux.Native.Errno`.</summary>
    private static IEnumerable<string> RoomsIn(string line)
    {
        var code = Comment().Replace(Text().Replace(line, "\"\""), "");
        foreach (Match match in Name().Matches(code))
        {
            var room = match.Groups["room"].Value;
            if (s_mayKnow.ContainsKey(room)) yield return room;
        }
    }

    // The stand-in's namespaces are the official ones, where a bare name is one of its own.
    private static string OutsideOurNamespace(string line) => string.Join(' ', Qualified().Matches(line).Select(match => match.Value));

    // A bare room name counts only with a part of a namespace or a type after it, and not as somebody's member.
    [GeneratedRegex(@"(?<![\w.])(global::)?(Runner\.(?<room>[A-Z]\w+)|(?<room>Output|Access|Certificates|Jobs|Store|Linux|Wire|Server|Client|Cli|Grpc)(?=\.[A-Z]\w*))")]
    private static partial Regex Name();

    [GeneratedRegex(@"(?<![\w.])Runner\.[\w.]+")]
    private static partial Regex Qualified();

    [GeneratedRegex("\"([^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Text();

    [GeneratedRegex(@"//.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(?<![\w.])Console\.")]
    private static partial Regex ConsoleUse();
}
