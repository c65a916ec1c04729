namespace Runner.Tests.Support;

/// <summary>A folder of its own for one test, gone afterwards.</summary>
sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("runner-test-").FullName;

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        File.WriteAllText(At(name), text);
        File.SetUnixFileMode(At(name), mode);
        return At(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
