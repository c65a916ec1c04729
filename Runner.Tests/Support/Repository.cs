using System.Runtime.CompilerServices;

namespace Runner.Tests.Support;

/// <summary>Where the sources are that these tests were built from.</summary>
static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot([CallerFilePath] string here = "") =>
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(here)))!;
}
